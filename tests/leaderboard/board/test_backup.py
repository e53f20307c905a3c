from __future__ import annotations

import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import func, select

from mmret.errors import InputError, RunError
from mmret.leaderboard.board import Board
from mmret.leaderboard.board.backup import back_up
from mmret.leaderboard.board.database import Base, Benchmark, Score, Submission, Team
from mmret.leaderboard.board.export import export, import_tables, verified
from mmret.leaderboard.board.rows import table
from mmret.leaderboard.board.scorer import Scored
from mmret.leaderboard.board.signing import public_key
from mmret.leaderboard.board.states import moderate

from .filled import benchmark_on, file_of, honest, labelled, run_of, scored_run, submission_of, teams_on

LABELS = labelled(queries=60)


@pytest.fixture
def scored(board: Board, tmp_path: Path) -> Scored:
    """On a board with a public and a hidden benchmark, submissions, and what another board exported."""
    public = benchmark_on(board, LABELS)
    hidden = benchmark_on(board, labelled("a", queries=60), hidden=True, public_id=public.id, decimals=2)
    first, second = teams_on(board, "first", "sécond")
    scored = scored_run(board, public, run_of(LABELS, honest(LABELS, 2, 0)), tmp_path)
    for team, benchmark in ((first, public), (second, public), (second, hidden)):
        made = submission_of(board, benchmark, team, scored, file_digest=file_of(board, f"{team.id} {benchmark.id}"))
    moderate(board, made.id, "flag", actor="ann", reason="odd")
    with Board.make(tmp_path / "elsewhere", "sqlite") as other:
        theirs = benchmark_on(other, LABELS)
        submission_of(other, theirs, teams_on(other, "others")[0], scored)
        import_tables(board, export(other), public_key(other.folder), actor="ann")
    return scored


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty database of either kind."""
    if request.param == "sqlite":
        yield "sqlite"
        return
    folder = request.getfixturevalue("postgres")
    with psycopg.connect(host=str(folder), user="mmret", dbname="postgres", autocommit=True) as connection:
        connection.execute("CREATE DATABASE fresh")
        yield f"postgresql://mmret@/fresh?host={folder}"
        connection.execute("DROP DATABASE fresh WITH (FORCE)")


def content(board: Board) -> dict[str, list[tuple[object, ...]]]:
    with board.reading() as session:
        return {
            one.name: sorted((tuple(row) for row in session.execute(select(one))), key=repr)
            for one in Base.metadata.sorted_tables
        }


def test_a_copy_is_the_same_board(board: Board, scored: Scored, tmp_path: Path) -> None:
    copied = back_up(board, tmp_path / "copy")
    assert (copied.files, copied.lost) == (2 + 3 + 1 + 2 + 1, [])  # ground, submissions, import; labels, values
    assert not (tmp_path / "copy.part").exists()
    assert {stat.S_IMODE((tmp_path / "copy" / name).stat().st_mode) for name in ("files", "private")} == {0o700}
    with Board.open(tmp_path / "copy", "sqlite") as copy:
        assert content(copy) == content(board)
        assert table(copy, "small") == table(board, "small")
        assert verified(export(copy))[1] == public_key(board.folder)
        assert copy.sweep() == 0
        names = list((copy.folder / "files").glob("??/*"))
        assert {path.read_bytes() for path in names} == {path.read_bytes() for path in board.files.folder.glob("??/*")}
        (team,) = teams_on(copy, "new")
        with copy.writing() as session:
            session.get_one(Benchmark, "small").title = "changed"
        assert team.id > 2
    assert content(board)["benchmark"] != content(copy)["benchmark"]


def test_a_copy_goes_back_to_either_kind_of_database(
    board: Board, scored: Scored, tmp_path: Path, fresh_url: str
) -> None:
    back_up(board, tmp_path / "copy")
    with Board.open(tmp_path / "copy", "sqlite") as copy:
        back_up(copy, tmp_path / "restored", fresh_url)
        if fresh_url != "sqlite":
            with pytest.raises(InputError, match="not empty"):
                back_up(copy, tmp_path / "twice", fresh_url)
    assert not (tmp_path / "twice").exists()
    with Board.open(tmp_path / "restored", fresh_url) as restored:
        assert content(restored) == content(board)
        for name in ("new", "newer"):  # the counters of PostgreSQL go on after the last row
            teams_on(restored, name)
        moderate(restored, table(restored, "small").rows[0].submission, "hide", actor="ann", reason="r")


def test_it_shows_one_moment_while_writes_go_on(board: Board, scored: Scored, tmp_path: Path) -> None:
    with board.reading() as session:
        benchmark, team = session.get_one(Benchmark, "small"), session.scalars(select(Team)).first()
        before = benchmark.generation - 2  # two submissions are there already
    assert team is not None
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            submission_of(board, benchmark, team, scored, file_digest=file_of(board, "same"))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(3):
            copied = back_up(board, tmp_path / f"copy {number}")
            assert copied.lost == []
            with Board.open(tmp_path / f"copy {number}", "sqlite") as copy, copy.reading() as session:
                of_small = Submission.benchmark_id == "small"
                submissions = session.scalar(select(func.count(Submission.id)).where(of_small)) or 0
                scores = session.scalar(select(func.count()).select_from(Score).join(Submission).where(of_small))
                assert scores == submissions * len(scored.figures)
                assert session.get_one(Benchmark, "small").generation == before + submissions
    finally:
        stop.set()
        writer.join()


def test_lost_and_damaged_files_are_named(board: Board, scored: Scored, tmp_path: Path) -> None:
    with board.reading() as session:
        lost, damaged, *_ = session.scalars(select(Submission.file_digest).order_by(Submission.id))
    board.files.path(lost).unlink()
    board.files.path(damaged).write_bytes(b"else")
    copied = back_up(board, tmp_path / "copy")
    assert copied.files == 7
    for digest, message in zip(sorted((lost, damaged)), copied.lost, strict=True):
        assert message.startswith(str(board.files.path(digest)))
    assert not (tmp_path / "copy" / "files" / damaged[:2] / damaged[2:]).exists()


def test_it_appears_whole_or_not_at_all(
    board: Board, scored: Scored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(InputError, match="name a folder that is not"):
        back_up(board, tmp_path / "there")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfile", full)
    with pytest.raises(RunError, match="No space left on device"):
        back_up(board, tmp_path / "copy")
    assert not list(tmp_path.glob("copy*"))
