"""A board served by a real process, on SQLite and on PostgreSQL."""

from __future__ import annotations

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


class Served:
    """A server process of a board.

    Parameters
    ----------
    limits, options: of `run_server`; by default requests come as fast as they like.
    """

    def __init__(self, folder: Path, *, limits: dict[str, Any] | None = None, **options: Any) -> None:
        self.folder = folder
        self.log = folder.with_name(f"{folder.name}-{time.monotonic_ns()}.log")
        settings = {"port": 0, "limits": MANY | (limits or {})} | options
        with self.log.open("wb") as log:
            command = [sys.executable, "-c", SERVE, str(folder), json.dumps(settings)]
            self.process = subprocess.Popen(command, stderr=log, stdout=log)
        port = self.wait_for(lambda: self.logged("serving"))[0]["port"]
        self.url = f"http://127.0.0.1:{port}"
        self.http = httpx.Client(base_url=self.url, timeout=60)
        self.wait_for(self.answers)

    def answers(self) -> bool:
        try:
            return self.http.get("/health").status_code == 200
        except httpx.TransportError:
            return False

    def wait_for(self, what: Callable[[], Any], seconds: float = 60) -> Any:
        end = time.monotonic() + seconds
        while not (found := what()):
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end, self.log.read_text()[-5000:]
            time.sleep(0.02)
        return found

    def logged(self, message: str = "") -> list[dict[str, Any]]:
        """The lines of the log of that message; every line is JSON."""
        lines = self.log.read_text().splitlines()
        return [entry for entry in map(json.loads, lines) if not message or entry["message"] == message]

    def send(self, path: Path | bytes, token: str, benchmark: str = "made", **options: Any) -> httpx.Response:
        content = path if isinstance(path, bytes) else path.read_bytes()
        headers = {"Authorization": f"Bearer {token}"} | options.pop("headers", {})
        url = f"{self.url}/api/v1/benchmarks/{benchmark}/submissions"
        return httpx.post(url, content=content, headers=headers, timeout=120, **options)

    def get(self, path: str, token: str | None = None, **options: Any) -> httpx.Response:
        headers = ({} if token is None else {"Authorization": f"Bearer {token}"}) | options.pop("headers", {})
        return self.http.get(f"/api/v1/{path}", headers=headers, **options)

    def scored(self, submission: str, token: str) -> dict[str, Any]:
        def found() -> Any:
            one = self.get(f"submissions/{submission}", token).json()
            return one if one["state"] != "pending" else None

        return self.wait_for(found)

    def stop(self) -> None:
        self.http.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)


Serve = Callable[..., Served]


@pytest.fixture
def serve(board: Board, labelled: Benchmark) -> Iterator[Serve]:
    """Starts servers of the board, which are stopped at the end."""
    started: list[Served] = []

    def start(**options: Any) -> Served:
        started.append(Served(board.folder, **options))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def labelled(board: Board) -> Benchmark:
    """The benchmark "made", which is on the board."""
    found = made.benchmark()
    add_benchmark(board, found, Terms(), source="made")
    return found


@pytest.fixture
def token(board: Board) -> str:
    """Of the team "First"."""
    create_team(board, "First")
    return issue_token(board, "First")


@pytest.fixture
def other_token(board: Board) -> str:
    """Of the team "Second"."""
    create_team(board, "Second")
    return issue_token(board, "Second")


def files_of(board: Board) -> set[str]:
    """The files of a board, staged ones too."""
    folders = [board.folder / "files", board.folder / "private"]
    return {str(path.relative_to(board.folder)) for one in folders for path in one.rglob("*") if path.is_file()}
