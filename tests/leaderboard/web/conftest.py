"""Boards served by real processes, on SQLite and on PostgreSQL."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from mmret.benchmarks import Benchmark
from mmret.leaderboard.board import Board
from mmret.leaderboard.board.benchmarks import Terms, add_benchmark
from mmret.leaderboard.board.database import Job, Progress
from mmret.leaderboard.board.teams import create_team, issue_token

from . import made

SERVE = """
import json, sys
from pathlib import Path
from mmret.leaderboard.web.limits import Limits
from mmret.leaderboard.web.server import run_server
if __name__ == "__main__":
    options = json.loads(sys.argv[2])
    run_server(Path(sys.argv[1]), limits=Limits(**options.pop("limits")), **options)
"""
MANY = {"requests": 1e9, "uploads": 1e9}
OPEN = Terms()
numbers = itertools.count()


class Served:
    """A board and the process that serves it.

    Parameters
    ----------
    limits, options: of `run_server`; by default requests come as fast as they like.
    """

    def __init__(self, board: Board, *, limits: dict[str, Any] | None = None, **options: Any) -> None:
        self.board = board
        # Many files are sent once on the whole, and some for what the other database may do.
        self.on_sqlite = board.url.drivername == "sqlite"
        self.log = board.folder.with_name(f"{board.folder.name}-{next(numbers)}.log")
        url = "sqlite" if self.on_sqlite else board.url.render_as_string(hide_password=False)
        settings = {"port": 0, "database_url": url, "limits": MANY | (limits or {})} | options
        with self.log.open("wb") as log:
            command = [sys.executable, "-c", SERVE, str(board.folder), json.dumps(settings)]
            self.process = subprocess.Popen(command, stderr=log, stdout=log)
        self.port = self.wait_for(lambda: self.logged("serving"))[0]["port"]
        self.url = f"http://127.0.0.1:{self.port}"
        self.http = httpx.Client(base_url=self.url, timeout=60)
        self.wait_for(self._answers)

    def _answers(self) -> bool:
        try:
            return self.http.get("/health").status_code == 200
        except httpx.TransportError:
            return False

    def wait_for(self, what: Callable[[], Any], seconds: float = 120) -> Any:
        """What is asked for, once it is there."""
        end = time.monotonic() + seconds
        while not (found := what()):
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end, self.log.read_text()[-5000:]
            time.sleep(0.02)
        return found

    def logged(self, message: str = "") -> list[dict[str, Any]]:
        """The lines of the log with that message; every line is JSON."""
        whole = self.log.read_text().rpartition("\n")[0]
        lines = whole.splitlines()
        assert all(line.startswith("{") for line in lines), whole
        return [entry for entry in map(json.loads, lines) if not message or entry["message"] == message]

    def team(self) -> tuple[str, str]:
        """Name and token of a new team."""
        name = f"Team {next(numbers)}"
        create_team(self.board, name)
        return name, issue_token(self.board, name)

    def benchmark(self, terms: Terms = OPEN, **options: Any) -> Benchmark:
        """A new benchmark on the board; its name is its id."""
        found = made.benchmark(f"made-{next(numbers)}", **options)
        add_benchmark(self.board, found, terms, source="made")
        return found

    def send(self, content: Any, token: str, benchmark: str, headers: dict[str, str] | None = None) -> httpx.Response:
        """Upload a file, or what is given."""
        content = content.read_bytes() if isinstance(content, Path) else content
        url = f"{self.url}/api/v1/benchmarks/{benchmark}/submissions"
        return httpx.post(url, content=content, headers=bearer(token) | (headers or {}), timeout=120)

    def get(self, path: str, token: str = "", **headers: str) -> httpx.Response:
        return self.http.get(f"/api/v1/{path}", headers=bearer(token) | headers)

    def scored(self, answer: httpx.Response, token: str) -> dict[str, Any]:
        """The submission that an upload made, once it is scored."""
        assert answer.status_code == 201, answer.text

        def found() -> Any:
            one = self.get(f"submissions/{answer.json()['submission']}", token).json()
            return one if one["state"] != "pending" else None

        return self.wait_for(found)

    def files(self) -> set[str]:
        """The files of the board once nothing waits for the scorer, which writes files of its own."""

        def at_rest() -> bool:
            with self.board.reading() as session:
                return not session.query(Job).where(Job.state.in_((Progress.queued, Progress.running))).count()

        self.wait_for(at_rest)
        return files_of(self.board)

    def stop(self) -> int:
        """Its exit code, after SIGTERM."""
        self.http.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


Serve = Callable[..., Served]


@pytest.fixture
def serve(board: Board) -> Iterator[Serve]:
    """Starts servers of a board of the test's own, which are stopped at the end."""
    started: list[Served] = []

    def start(**options: Any) -> Served:
        started.append(Served(board, **options))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server for all tests that make teams and benchmarks of their own."""
    url = "sqlite" if request.param == "sqlite" else new_database(request.getfixturevalue("postgres"))
    with Board.make(tmp_path_factory.mktemp("shared") / "board", url) as board:
        one = Served(board)
        yield one
        assert one.stop() == 0, one.log.read_text()


def new_database(folder: Path) -> str:
    """The URL of an empty database of the server that has its socket in that folder."""
    import psycopg

    name = f"shared_{next(numbers)}"
    with psycopg.connect(host=str(folder), user="mmret", dbname="postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"postgresql://mmret:pass-in-url@/{name}?host={folder}"


def files_of(board: Board) -> set[str]:
    """The files of a board, staged ones too."""
    folders = [board.folder / "files", board.folder / "private"]
    return {str(path.relative_to(board.folder)) for one in folders for path in one.rglob("*") if path.is_file()}
