"""The board as a whole: made, opened, brought up to date; what a session sees; what is swept."""

from __future__ import annotations

import contextlib
import os
import stat
import time
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from mmret.errors import InputError, RunError
from mmret.leaderboard.board.board import CONNECTIONS, DATABASE, Board
from mmret.leaderboard.board.database import Base, Benchmark, Team
from mmret.leaderboard.board.files import digest_of


def test_migrations_make_the_tables_of_the_models(board: Board) -> None:
    with board.reading() as session:
        context = MigrationContext.configure(session.connection(), opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_a_folder_that_is_no_board_names_the_command(tmp_path: Path, database_url: str | None) -> None:
    with pytest.raises(InputError, match=f"mmret board init {tmp_path}"):
        Board.open(tmp_path)


@pytest.mark.parametrize("name", ["files", "private"])
def test_a_copy_that_lacks_empty_folders_is_mended(tmp_path: Path, name: str) -> None:
    Board.make(tmp_path, "sqlite").close()
    (tmp_path / name / "staged").rmdir()
    with pytest.raises(InputError, match=f"mmret board init {tmp_path}"):
        Board.open(tmp_path, "sqlite")
    Board.make(tmp_path, "sqlite").close()
    with Board.open(tmp_path, "sqlite") as board:
        assert board.sweep() == 0


def test_an_older_or_newer_board_names_the_way_out(board: Board) -> None:
    for found, way_out in (("DELETE FROM alembic_version", "init"), ("'9999'", "update mmret")):
        change = found if "DELETE" in found else f"INSERT INTO alembic_version VALUES ({found})"
        with board.writing() as session:
            session.execute(text(change))
        with pytest.raises(InputError, match=way_out):
            Board.open(board.folder)
    with pytest.raises(InputError, match="update mmret"):
        Board.make(board.folder)


def test_making_it_again_keeps_what_is_there(board: Board) -> None:
    with board.writing() as session:
        session.add(Team(name="A", key="a", contact=""))
    with Board.make(board.folder) as again, again.reading() as session:
        assert session.scalar(select(Team.name)) == "A"
        assert session.scalar(select(Team.created_at)).utcoffset().total_seconds() == 0


def test_a_board_is_for_its_owner_only(board: Board) -> None:
    with board.private.stage() as staged:
        staged.write_bytes(b"labels")
        digest = digest_of(staged)
        board.private.keep(staged, digest)
    for path in board.folder.rglob("*"):
        if path.name != ".lock":
            assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:top-secret@/x?host=/nowhere",
        "postgresql://u:p@h:top-secret@h/x",
        "postgresql://u:p@top-secret@h/x",
        "mysql://u:top-secret@h/x",
        "top-secret",
    ],
)
def test_a_password_is_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv(DATABASE, url)
    with pytest.raises((InputError, RunError)) as caught:
        Board.make(tmp_path)
    told = f"{caught.value} {caught.value.__cause__}"
    assert "top-secret" not in told
    assert DATABASE in told or "database failed" in told


def test_a_database_that_is_damaged_is_told(tmp_path: Path) -> None:
    Board.make(tmp_path, "sqlite").close()
    (tmp_path / "board.sqlite3").write_bytes(b"no database " * 1000)
    with pytest.raises(RunError, match="the database failed: file is not a database"):
        Board.open(tmp_path, "sqlite")


def test_too_many_at_once_are_told(tmp_path: Path) -> None:
    with Board.make(tmp_path, "sqlite") as board, contextlib.ExitStack() as others:
        board.engine.pool._timeout = 0.01
        for _ in range(CONNECTIONS):
            others.enter_context(board.engine.connect())
        with pytest.raises(RunError, match="the database failed: QueuePool limit"), board.reading() as session:
            session.scalar(select(Team.id))


def test_a_reader_sees_one_moment(board: Board) -> None:
    count = select(func.count(Team.id))
    with board.reading() as session:
        assert session.scalar(count) == 0
        with board.writing() as other:
            other.add(Team(name="A", key="a", contact=""))
        assert session.scalar(count) == 0
    with board.reading() as session:
        assert session.scalar(count) == 1


def test_an_error_takes_all_changes_back(board: Board) -> None:
    with pytest.raises(IntegrityError), board.writing() as session:
        session.add_all([Team(name="A", key="a", contact=""), Team(name="a", key="a", contact="")])
    with board.reading() as session:
        assert session.scalar(select(func.count(Team.id))) == 0


def test_a_damaged_or_lost_file_is_named(board: Board) -> None:
    with board.files.stage() as staged:
        staged.write_bytes(b"run")
        digest = digest_of(staged)
        board.files.keep(staged, digest)
    path = board.files.checked(digest)
    path.write_bytes(b"rum")
    with pytest.raises(RunError, match="has changed"):
        board.files.checked(digest)
    path.unlink()
    with pytest.raises(RunError, match="restore it"):
        board.files.checked(digest)
    with pytest.raises(ValueError, match="not a SHA-256"):
        board.files.path("../../etc/passwd")


def test_sweeping_takes_only_what_no_row_names(board: Board) -> None:
    digests = []
    for content in (b"named", b"lost"):
        with board.files.stage() as staged:
            staged.write_bytes(content)
            digests.append(digest_of(staged))
            board.files.keep(staged, digests[-1])
    with board.writing() as session:
        benchmark = _benchmark(ground_digest=digests[0])
        session.add(benchmark)
    key = board.private.folder / "key.pem"
    key.write_text("key")
    with board.files.stage() as fresh, board.files.stage() as old:
        os.utime(old, (time.time() - 7200,) * 2)
        assert board.sweep() == 2
        assert fresh.exists()
        assert not old.exists()
    assert key.exists()
    assert [board.files.path(digest).exists() for digest in digests] == [True, False]


def _benchmark(**about: object) -> Benchmark:
    texts = dict.fromkeys(("name", "version", "title", "view", "digest", "main_protocol", "main_measure", "source"), "")
    return Benchmark(id="b", **texts, protocols=[], measures=[], slices=[], answers_digest="", **about)
