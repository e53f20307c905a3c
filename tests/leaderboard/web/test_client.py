"""`mmret submit upload` against a real server, over connections that break."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from mmret.cli.submit_upload import upload
from mmret.errors import InputError, MmretError, RunError
from mmret.leaderboard.board.benchmarks import Terms
from mmret.leaderboard.web import client

from . import made
from .conftest import Served

app = typer.Typer()
app.command()(upload)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client.time, "sleep", lambda seconds: threading.Event().wait(min(seconds, 0.1)))


def run(file: Path, url: str, token: str, *options: str) -> Result:
    return CliRunner().invoke(app, [str(file), "--url", url, *options], env={"MMRET_BOARD_TOKEN": token})


def error_of(result: Result) -> MmretError:
    assert isinstance(result.exception, MmretError), result.output
    return result.exception


def test_a_file_is_uploaded_and_its_score_shown(served: Served, tmp_path: Path) -> None:
    asked, (_, token) = served.benchmark(), served.team()
    file = made.submission(tmp_path / "a.parquet", asked)
    first = run(file, served.url, token, "--wait")
    assert first.exit_code == 0, first.output
    assert "is verified" in first.stdout
    assert "R@1" in first.stdout
    assert "accepted" in first.stderr
    assert "warning undeclared" in first.stderr
    again = run(file, served.url, token, "--wait", "--json")
    assert "your team has sent this very file before" in again.stderr
    found = json.loads(again.stdout)
    assert (found["benchmark"], found["state"]) == (asked.name, "verified")
    assert found["scores"]["global"]["all"]["n"] == 12
    assert token not in first.output + again.output


def test_faults_that_the_server_names_are_shown(served: Served, tmp_path: Path) -> None:
    asked, (_, token), other = served.benchmark(), served.team(), served.benchmark()
    error = error_of(run(made.submission(tmp_path / "a.parquet", other), served.url, token, "-b", asked.name))
    assert isinstance(error, InputError)
    assert "the file is refused for" in str(error)
    assert "\n  error other-benchmark: made for" in str(error)
    assert f"{asked.name}-query-000" in str(error)


def test_misuse_and_failure_are_told_apart(served: Served, tmp_path: Path) -> None:
    asked, (_, token) = served.benchmark(Terms(quota_day=0)), served.team()
    file = made.submission(tmp_path / "a.parquet", asked)
    text = tmp_path / "a.txt"
    text.write_text("no submission")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    for path, url, secret, kind, words in (
        (text, served.url, token, InputError, "no submission: the file"),
        (file, "ftp://example.org", token, InputError, "begins with https://"),
        (file, "http://[::1", token, InputError, "no address of a board"),
        (file, served.url, token + "\n", InputError, "copy it again"),
        (file, served.url, "mmret_00000000_" + "x" * 43, InputError, "unknown, revoked or expired"),
        (
            made.submission(tmp_path / "b.parquet", made.benchmark("nowhere")),
            served.url,
            token,
            InputError,
            "no benchmark",
        ),
        (file, served.url, token, RunError, "takes 0 submissions of a team a day"),
        (file, f"http://127.0.0.1:{port}", token, RunError, "refused"),
        (file, served.url + "/elsewhere", token, InputError, "not from a board"),
    ):
        error = error_of(run(path, url, secret))
        assert type(error) is kind, (words, error)
        assert words in str(error)
        assert secret.strip() not in str(error)


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (httpx.Response(200, html="<p>Log in to this network</p>"), InputError, "status 200, not from a board"),
        (httpx.Response(200, json=[]), InputError, "status 200, not from a board"),
        (httpx.Response(302, headers={"Location": "/login"}), RunError, "not from a board; see /login"),
        (httpx.Response(503, headers={"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}), RunError, "status 503"),
        (httpx.Response(503, headers={"Retry-After": "61"}), RunError, "status 503"),
    ],
)
def test_what_others_answer_in_its_place(answer: httpx.Response, kind: type[MmretError], words: str) -> None:
    notes: list[str] = []
    with client.Client("http://board.example", "mmret_x", notes.append) as asking:
        asking._http = httpx.Client(base_url="http://board.example", transport=httpx.MockTransport(lambda _: answer))
        with pytest.raises(MmretError, match=words) as caught:
            asking.submission("x")
    assert type(caught.value) is kind
    assert len(notes) == (client.ATTEMPTS - 1 if "GMT" in str(answer.headers) else 0)


def test_lost_connections_make_no_second_submission(served: Served, tmp_path: Path) -> None:
    asked, (_, token) = served.benchmark(), served.team()
    file = made.submission(tmp_path / "a.parquet", asked)
    ids = set()
    for breaking in ("cut the upload", "cut the answer", "refuse"):
        with breaking_once(served.port, breaking) as port:
            result = run(file, f"http://127.0.0.1:{port}", token, "-b", asked.name, "--json")
        assert result.exit_code == 0, result.output
        assert "trying again" in result.stderr
        assert ("accepted" in result.stderr) == (breaking == "cut the upload")
        ids.add(json.loads(result.stdout)["id"])
    assert len(ids) == 1


@contextlib.contextmanager
def breaking_once(port: int, how: str) -> Iterator[int]:
    """The port of a relay to a server, whose first connection breaks."""
    listener = socket.create_server(("127.0.0.1", 0))

    def relay() -> None:
        first = True
        while True:
            try:
                here, _ = listener.accept()
            except OSError:
                return
            if not (first and how == "refuse"):
                pass_on(here, port, cut=how if first else "")
            with contextlib.suppress(OSError):
                here.shutdown(socket.SHUT_RDWR)  # a thread that reads it would keep it open
            here.close()
            first = False

    thread = threading.Thread(target=relay, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def pass_on(here: socket.socket, port: int, cut: str) -> None:
    """Both ways, until either side has ended; or cut after a kilobyte up, or before the first byte down."""
    with socket.create_connection(("127.0.0.1", port)) as there:
        if cut == "cut the upload":
            there.sendall(here.recv(1000))
            return

        def up() -> None:
            while data := here.recv(1 << 16):
                there.sendall(data)

        threading.Thread(target=up, daemon=True).start()
        while data := there.recv(1 << 16):
            if cut:
                return
            here.sendall(data)
