from __future__ import annotations

import json
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from mmret.errors import InputError, RunError
from mmret.leaderboard.board import Board
from mmret.leaderboard.board import export as exporting
from mmret.leaderboard.board.database import Audit, Benchmark, Import, State
from mmret.leaderboard.board.export import export, import_tables, verified
from mmret.leaderboard.board.rows import table
from mmret.leaderboard.board.signing import canonical, key_path, make_key, public_key, sign, verify

from .filled import benchmark_on, honest, labelled, run_of, scored_run, submission_of, teams_on

LABELS = labelled(queries=60)


@pytest.fixture
def benchmark(board: Board, tmp_path: Path) -> Benchmark:
    """With three submissions, one of which is not ranked."""
    benchmark = benchmark_on(board, LABELS)
    (team,) = teams_on(board, "team")
    for quality, state in ((1, State.verified), (4, State.verified), (6, State.flagged)):
        scored = scored_run(board, benchmark, run_of(LABELS, honest(LABELS, quality, quality)), tmp_path)
        submission_of(board, benchmark, team, scored, name=f"m{quality}", state=state)
    return benchmark


@pytest.fixture
def elsewhere(tmp_path: Path) -> Board:
    """Another board, which asks the same under another name, and has a system of its own."""
    board = Board.make(tmp_path / "elsewhere", "sqlite")
    benchmark = benchmark_on(board, LABELS)
    (team,) = teams_on(board, "others")
    scored = scored_run(board, benchmark, run_of(LABELS, honest(LABELS, 9, 9)), tmp_path)
    submission_of(board, benchmark, team, scored, name="theirs", parameters=5)
    return board


def test_an_export_holds_what_is_ranked(board: Board, benchmark: Benchmark) -> None:
    found, key = verified(export(board))
    assert key == public_key(board.folder)
    (only,) = found.benchmarks
    assert (only.id, only.digest, only.main_measure, only.hidden) == (benchmark.id, benchmark.digest, "R@1", False)
    shown = {row.submission: row for row in table(board, benchmark.id).rows}
    assert {row.submission: row.rank for row in only.rows} == {one: row.rank for one, row in shown.items()}
    for row in only.rows:
        assert row.team == "team"
        assert row.description.model.name == shown[row.submission].model
        figures = {(one.protocol, one.slice, one.measure): one for one in row.scores}
        assert len(figures) == len(row.scores) == 3 * len(benchmark.measures)
        figure = shown[row.submission].figures["most"]
        exported = figures["global", "most", "R@1"]
        assert (exported.value, exported.low, exported.high) == (figure.value, figure.low, figure.high)


def test_nothing_private_is_exported(board: Board, benchmark: Benchmark) -> None:
    text = export(board).decode()
    with board.reading() as session:
        row = session.get_one(Benchmark, benchmark.id)
    assert row.answers_digest not in text
    assert row.source not in text
    assert "values_digest" not in text
    assert LABELS.queries[0].id not in text
    assert "contact" not in text


@pytest.mark.parametrize(
    "change",
    [
        lambda signed: signed["content"]["benchmarks"][0]["rows"][0].update(rank=1, team="me"),
        lambda signed: signed["content"]["benchmarks"][0]["rows"].pop(),
        lambda signed: signed["content"]["benchmarks"][0]["rows"][0]["scores"][0].update(value=0.99),
        lambda signed: signed["content"].update(exported_at="2020-01-01T00:00:00Z"),
        lambda signed: signed.update(key="ab" * 32),
        lambda signed: signed.update(signature="00" * 64),
        lambda signed: signed.update(signature="zz"),
        lambda signed: signed.update(more=1),
        lambda signed: signed.pop("key"),
    ],
)
def test_tampering_is_found(tmp_path: Path, change: Any) -> None:
    with Board.make(tmp_path / "board", "sqlite") as board:
        benchmark = benchmark_on(board, LABELS)
        (team,) = teams_on(board, "team")
        for quality in (1, 4):
            scored = scored_run(board, benchmark, run_of(LABELS, honest(LABELS, quality, 0)), tmp_path)
            submission_of(board, benchmark, team, scored)
        signed = json.loads(export(board))
    verified(canonical(signed))
    verified(json.dumps(signed, indent=3).encode())  # how it is laid out does not matter
    change(signed)
    with pytest.raises(InputError, match=r"was changed after|no document that a board has signed"):
        verified(canonical(signed))


@pytest.mark.parametrize("document", [b"", b"[]", b"{", b"\xff", b'{"content": 1}', b"[" * 100_000, b"NaN"])
def test_what_is_no_document_is_refused(document: bytes) -> None:
    with pytest.raises(InputError, match="no document that a board has signed"):
        verify(document)


def test_another_key_and_another_content_are_refused(tmp_path: Path) -> None:
    with Board.make(tmp_path / "board", "sqlite"):
        document = sign(tmp_path / "board", {"schema": "else", "x": [1, 2.5, "é", None]})
    assert verify(document)[0] == {"schema": "else", "x": [1, 2.5, "é", None]}
    with pytest.raises(InputError, match=f"another key: {public_key(tmp_path / 'board')}"):
        verify(document, "ab" * 32)
    with pytest.raises(InputError, match="no exported table: schema"):
        verified(document)
    shouted = json.loads(document)
    key = shouted["key"]
    shouted["key"] = key.upper()
    assert verify(canonical(shouted), key)[1] == key


def test_a_time_without_time_zone_is_no_time(tmp_path: Path) -> None:
    content = {"schema": "mmret.board/1", "exported_at": "2026-01-01T00:00:00", "mmret": "1", "benchmarks": []}
    with Board.make(tmp_path / "board", "sqlite") as board, pytest.raises(InputError, match="exported_at"):
        import_tables(board, sign(tmp_path / "board", content), public_key(tmp_path / "board"), actor="ann")


def test_the_key_is_made_once_and_for_its_owner(tmp_path: Path) -> None:
    folder = tmp_path / "board"
    Board.make(folder, "sqlite").close()
    key = public_key(folder)
    make_key(folder)
    Board.make(folder, "sqlite").close()
    assert public_key(folder) == key
    assert stat.S_IMODE(key_path(folder).stat().st_mode) == 0o600
    assert [one.name for one in (folder / "private").iterdir() if one.name.startswith("key")] == ["key"]
    key_path(folder).write_bytes(b"short")
    with pytest.raises(RunError, match="gone or damaged"):
        sign(folder, {})


def test_imported_rows_are_marked_and_not_ranked(board: Board, benchmark: Benchmark, elsewhere: Board) -> None:
    before = table(board, benchmark.id)
    key = public_key(elsewhere.folder)
    assert import_tables(board, export(elsewhere), key, actor="ann") == [benchmark.id]
    found = table(board, benchmark.id)
    assert found.generation == before.generation + 1
    assert found.rows[: len(before.rows)] == before.rows
    (row,) = found.rows[len(before.rows) :]
    assert (row.state, row.rank, row.model, row.team, row.parameters) == ("imported", None, "theirs", "others", 5)
    assert key in row.note
    (theirs,) = table(elsewhere, benchmark.id).rows
    assert row.figures == theirs.figures
    assert [one.state for one in table(board, benchmark.id, tracks=["native-audio"]).rows] == []
    with board.reading() as session:
        assert session.scalar(select(Audit.detail).where(Audit.action == "import")) == {
            "key": key, "benchmarks": [benchmark.id]
        }  # fmt: skip
    assert "theirs" not in export(board).decode()  # what others rank is theirs to export


def test_a_later_export_takes_the_place_of_an_earlier_one(
    board: Board, benchmark: Benchmark, elsewhere: Board, tmp_path: Path
) -> None:
    key, first = public_key(elsewhere.folder), export(elsewhere)
    scored = scored_run(elsewhere, benchmark, run_of(LABELS, honest(LABELS, 3, 3)), tmp_path)
    submission_of(elsewhere, benchmark, teams_on(elsewhere, "more")[0], scored)
    second = export(elsewhere)
    import_tables(board, first, key, actor="ann")
    import_tables(board, second, key, actor="ann")
    for document in (first, second):
        with pytest.raises(InputError, match="was exported later"):
            import_tables(board, document, key, actor="ann")
    assert sum(row.state == "imported" for row in table(board, benchmark.id).rows) == 2
    assert board.sweep() == 1  # the first file, which no row names any more


def test_what_is_not_to_be_imported(
    board: Board, benchmark: Benchmark, elsewhere: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = export(elsewhere)
    with pytest.raises(InputError, match="another key"):
        import_tables(board, document, "ab" * 32, actor="ann")
    with pytest.raises(InputError, match="this board itself"):
        import_tables(board, export(board), public_key(board.folder), actor="ann")
    with elsewhere.writing() as session:
        session.get_one(Benchmark, benchmark.id).digest = "0" * 64
    with pytest.raises(InputError, match="no benchmark that is asked"):
        import_tables(board, export(elsewhere), public_key(elsewhere.folder), actor="ann")
    earlier = exporting.now() - timedelta(days=1)
    monkeypatch.setattr(exporting, "now", lambda: earlier)
    with pytest.raises(InputError, match="yet to come"):
        import_tables(board, document, public_key(elsewhere.folder), actor="ann")
    with board.reading() as session:
        assert session.scalars(select(Import)).all() == []
    assert [row.state for row in table(board, benchmark.id).rows] == ["verified", "verified"]


def test_infinite_ranks_are_left_out(board: Board, tmp_path: Path) -> None:
    benchmark = benchmark_on(board, LABELS)
    scores = np.full((60, 40), np.nan)
    run = run_of(LABELS, honest(LABELS, -9, 0))
    best = np.argsort(-run.scores.reshape(60, 40), axis=1)[:, :2]
    lists = type(run.lists).of([np.sort(one) for one in best])
    short = type(run)(run.queries, run.documents, lists, np.zeros(120, np.float32))
    submission_of(board, benchmark, teams_on(board, "team")[0], scored_run(board, benchmark, short, tmp_path))
    assert np.isinf(table(board, benchmark.id, measure="MedR").rows[0].figures["all"].value)
    (row,) = verified(export(board))[0].benchmarks[0].rows
    assert {one.value for one in row.scores if one.measure == "MedR"} == {None}
    assert np.isnan(scores).all()
