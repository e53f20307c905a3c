"""Boards on SQLite and on a real PostgreSQL server, which is started once a session and stopped at its end."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from mmret.leaderboard.board.board import DATABASE, Board

_numbers = itertools.count()
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "200",
}


@pytest.fixture(scope="session")
def postgres() -> Iterator[Path]:
    """The folder in which a PostgreSQL server has its socket; it listens nowhere else."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    found = programs[-1] / "postgres" if programs else shutil.which("postgres")
    assert found, "these tests start a PostgreSQL server: install the system package postgresql"
    root = os.geteuid() == 0  # as whom the server refuses to run
    owner = pwd.getpwnam("nobody") if root else pwd.getpwuid(os.geteuid())
    rights = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": ()} if root else {}
    folder = Path(tempfile.mkdtemp(prefix="mmret-postgres-"))
    if root:
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    data = str(folder / "data")
    make = [str(Path(found).with_name("initdb")), "-D", data, "-U", "mmret", "-A", "trust", "-E", "UTF8", "--no-sync"]
    subprocess.run([*make, "--locale=C"], check=True, capture_output=True, cwd=folder, **rights)
    settings = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
    command = [str(found), "-D", data, "-k", str(folder), *settings]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, **rights)
    try:
        _await(server, folder)
        yield folder
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(30)
        shutil.rmtree(folder)


def _await(server: subprocess.Popen[bytes], folder: Path) -> None:
    for _ in range(300):
        try:
            _connect(folder).close()
        except psycopg.OperationalError:
            assert server.poll() is None, (folder / "log").read_text()
            time.sleep(0.1)
        else:
            return
    raise AssertionError((folder / "log").read_text())


def _connect(folder: Path) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(host=str(folder), user="mmret", dbname="postgres", autocommit=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str | None]:
    """None for SQLite in the board's folder, or the URL of an empty database, which the environment names too."""
    monkeypatch.delenv(DATABASE, raising=False)
    if request.param == "sqlite":
        yield None
        return
    folder = request.getfixturevalue("postgres")
    name = f"board_{next(_numbers)}"
    with _connect(folder) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    url = f"postgresql://mmret:pass-in-url@/{name}?host={folder}"
    monkeypatch.setenv(DATABASE, url)
    yield url
    with _connect(folder) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def board(tmp_path: Path, database_url: str | None) -> Iterator[Board]:
    """An empty board in `tmp_path/board`, once on SQLite and once on PostgreSQL."""
    with Board.make(tmp_path / "board", database_url) as made:
        yield made
