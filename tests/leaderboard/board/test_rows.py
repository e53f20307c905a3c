from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import event, select

from mmret.errors import InputError, RunError
from mmret.evaluation.statistics import holm, randomisation
from mmret.leaderboard.board import Board
from mmret.leaderboard.board import export as exporting
from mmret.leaderboard.board.answers import load_answers
from mmret.leaderboard.board.database import Benchmark, Score, State, Submission
from mmret.leaderboard.board.memory import Memory
from mmret.leaderboard.board.rows import Row, ordered, table
from mmret.leaderboard.board.states import moderate, renew
from mmret.leaderboard.board.values import load_values

from .filled import benchmark_on, honest, labelled, run_of, scored_run, submission_of, teams_on

LABELS = labelled()


@pytest.fixture
def benchmark(board: Board) -> Benchmark:
    return benchmark_on(board, LABELS)


def fill(board: Board, benchmark: Benchmark, folder: Path, qualities: list[float], **model: Any) -> list[Submission]:
    team, *_ = teams_on(board, f"team {len(list(folder.iterdir()))}")
    scored = [
        scored_run(board, benchmark, run_of(LABELS, honest(LABELS, quality, seed)), folder)
        for seed, quality in enumerate(qualities)
    ]
    return [
        submission_of(board, benchmark, team, one, name=f"m{quality}", **model)
        for one, quality in zip(scored, qualities, strict=True)
    ]


def test_ranks_follow_the_paired_tests(board: Board, benchmark: Benchmark, tmp_path: Path) -> None:
    fill(board, benchmark, tmp_path, [1.0, 3.0, 3.05, 2.95, -1.0])
    rows = table(board, benchmark.id).rows
    assert [row.model for row in rows][-2:] == ["m1.0", "m-1.0"]
    assert [row.rank for row in rows] == [1, 1, 1, 4, 5]
    values = [row.figures["all"].value for row in rows]
    assert values == sorted(values, reverse=True)
    with board.reading() as session:
        digests = [session.get_one(Submission, row.submission).values_digest for row in rows]
    each = [load_values(board.private.path(digest or ""), "global", "R@1") for digest in digests]
    assert values == [column.mean() for column in each]
    pairs = [(i, j) for i in range(5) for j in range(i + 1, 5)]
    adjusted = holm([randomisation(each[i], each[j]) for i, j in pairs])
    worse = {j: sum(p < 0.05 for (_, other), p in zip(pairs, adjusted, strict=True) if other == j) for j in range(5)}
    assert [row.rank for row in rows] == [1 + worse[j] for j in range(5)]


def test_a_row_says_what_is_known(board: Board, benchmark: Benchmark, tmp_path: Path) -> None:
    (made,) = fill(board, benchmark, tmp_path, [2.0], parameters=7, open_weights=True, link="https://x.org/m")
    found = table(board, benchmark.id, "global", "R@5")
    (row,) = found.rows
    assert (row.submission, row.state, row.rank, row.track) == (made.id, "verified", 1, "no-audio")
    assert (row.parameters, row.open_weights, row.link, row.scorer_version) == (7, True, "https://x.org/m", "1")
    assert row.date == made.received_at.date()
    assert (found.measure, found.protocol, found.slice, found.tracks) == ("R@5", "global", "all", None)
    assert dict(found.slices) == {"all": 240, "most": 180, "few": 60}
    assert set(row.figures) == {"all", "most", "few"}
    figure = row.figures["most"]
    assert figure.low is not None
    assert figure.high is not None
    assert figure.low < figure.value < figure.high


def test_tracks_are_not_mixed_unasked(board: Board, benchmark: Benchmark, tmp_path: Path) -> None:
    deaf = fill(board, benchmark, tmp_path, [-1.0, 4.0])
    hears = {"query": ["audio"], "track": "native-audio"}
    ears = fill(board, benchmark, tmp_path, [1.0, 2.0], **hears)
    apart = table(board, benchmark.id)
    assert [(row.track, row.rank) for row in apart.rows] == [
        ("no-audio", 1), ("no-audio", 2), ("native-audio", 1), ("native-audio", 2)
    ]  # fmt: skip
    together = table(board, benchmark.id, tracks=["native-audio", "no-audio"])
    assert [row.model for row in together.rows] == ["m4.0", "m2.0", "m1.0", "m-1.0"]
    assert [row.rank for row in together.rows] == [1, 2, 3, 4]
    assert together.tracks == ("no-audio", "native-audio")
    one = table(board, benchmark.id, tracks=["native-audio"])
    assert {row.submission for row in one.rows} == {made.id for made in ears}
    assert len(deaf) == 2


def test_ranks_of_a_slice_are_its_own(board: Board, benchmark: Benchmark, tmp_path: Path) -> None:
    (team,) = teams_on(board, "team")
    scores = honest(LABELS, 1, 0)
    good, bad = scores.copy(), scores.copy()
    good[180:] = honest(LABELS, 6, 1)[180:]
    bad[180:] = honest(LABELS, -1, 2)[180:]
    bad[:180] = honest(LABELS, 2, 3)[:180]
    for name, one in (("good", good), ("bad", bad)):
        submission_of(board, benchmark, team, scored_run(board, benchmark, run_of(LABELS, one), tmp_path), name=name)
    few = table(board, benchmark.id, slice="few")
    assert [(row.model, row.rank) for row in few.rows] == [("good", 1), ("bad", 2)]
    most = table(board, benchmark.id, slice="most")
    assert [(row.model, row.rank) for row in most.rows] == [("bad", 1), ("good", 2)]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"benchmark": "smal"}, "unknown benchmark 'smal'; did you mean small"),
        ({"protocol": "gallery"}, "unknown protocol"),
        ({"measure": "R@2"}, "unknown measure"),
        ({"slice": "x"}, "unknown slice"),
        ({"tracks": ["video"]}, "unknown track"),
    ],
)
def test_unknown_names(board: Board, benchmark: Benchmark, wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        table(board, **{"benchmark": benchmark.id} | wrong)


def test_only_verified_rows_are_shown(board: Board, benchmark: Benchmark, tmp_path: Path) -> None:
    made = fill(board, benchmark, tmp_path, [1.0, 2.0, 3.0])
    assert table(board, benchmark.id).rows[0].submission == made[2].id
    moderate(board, made[2].id, "hide", actor="m", reason="wrong")
    assert table(board, benchmark.id).rows[0].submission == made[1].id
    moderate(board, made[2].id, "restore", actor="m")
    assert table(board, benchmark.id).rows[0].submission == made[2].id
    with board.writing() as session:
        for one, state in zip(made, (State.pending, State.failed, State.withdrawn), strict=True):
            session.get_one(Submission, one.id).state = state
        renew(session, benchmark.id)
    assert table(board, benchmark.id).rows == []


def test_a_missing_figure_is_never_first(board: Board, benchmark: Benchmark, tmp_path: Path) -> None:
    made = fill(board, benchmark, tmp_path, [1.0, 3.0])
    with board.writing() as session:
        gone = select(Score).where(Score.submission_id == made[1].id, Score.slice == "all", Score.protocol == "global")
        for one in session.scalars(gone):
            session.delete(one)
    for measure in ("R@1", "MedR"):  # more is better, and less is
        rows = table(board, benchmark.id, measure=measure).rows
        assert [(row.submission, row.rank) for row in rows] == [(made[0].id, 1), (made[1].id, None)]


def test_ranks_that_are_lower_are_better(board: Board, benchmark: Benchmark, tmp_path: Path) -> None:
    fill(board, benchmark, tmp_path, [-1.0, 3.0])
    rows = table(board, benchmark.id, measure="MedR").rows
    assert [(row.model, row.rank) for row in rows] == [("m3.0", 1), ("m-1.0", 2)]


def test_rows_are_ordered_with_the_unknown_last() -> None:
    rows = [Row(None, name, {}, "published", parameters=size) for name, size in (("a", 3), ("b", None), ("c", 1))]
    assert [row.model for row in ordered(rows, lambda row: row.parameters)] == ["c", "a", "b"]
    assert [row.model for row in ordered(rows, lambda row: row.parameters, descending=True)] == ["a", "c", "b"]


def test_published_rows_are_marked_and_not_ranked(board: Board, tmp_path: Path) -> None:
    benchmark = benchmark_on(board, labelled("tarvir"))
    fill(board, benchmark, tmp_path, [2.0])
    rows = table(board, benchmark.id, measure="R@10").rows
    assert [row.state for row in rows[:2]] == ["verified", "published"]
    published = rows[1:]
    assert {(row.rank, row.submission, row.track) for row in published} == {(None, "", None)}
    values = [row.figures["all"].value for row in published]
    assert values == sorted(values, reverse=True)
    assert values[0] == pytest.approx(0.9423)
    assert published[0].model == "VLM2Vec"
    assert "not checked against its PDF" in published[0].note
    assert "protocol: all 81,839 tables are candidates" in published[0].note
    assert table(board, benchmark.id, measure="MRR").rows[1:] == []


def test_published_rows_are_shown_before_anybody_submits(board: Board) -> None:
    benchmark = benchmark_on(board, labelled("tarvir"))
    found = table(board, benchmark.id, measure="R@10")
    assert {row.state for row in found.rows} == {"published"}
    assert dict(found.slices) == {"all": 240}
    assert dict(table(board, benchmark.id, measure="MRR").slices) == {"all": 240}


def test_hidden_labels_tell_little_and_the_gap_to_the_public_ones(board: Board, tmp_path: Path) -> None:
    public = benchmark_on(board, LABELS)
    hidden_labels = replace(labelled("small"), name="held")
    hidden = benchmark_on(board, hidden_labels, hidden=True, public_id=public.id, decimals=2)
    (team,) = teams_on(board, "team")
    seen = scored_run(board, public, run_of(LABELS, honest(LABELS, 3, 0)), tmp_path)
    unseen = scored_run(board, hidden, run_of(LABELS, honest(LABELS, 1, 1)), tmp_path)
    submission_of(board, hidden, team, unseen, name="A")
    submission_of(board, hidden, team, unseen, name="B")
    before = table(board, hidden.id)
    infinite = scored_run(board, public, run_of(LABELS, honest(LABELS, 3, 0)), tmp_path)
    for row in infinite.figures:
        row["value"] = np.inf
    submission_of(board, public, team, infinite, name="B")
    assert {row.gap for row in [*before.rows, *table(board, hidden.id).rows]} == {None}
    submission_of(board, public, team, seen, name="A")
    found = table(board, hidden.id)
    assert found.generation > before.generation
    theirs = {row.model: row for row in found.rows}
    shown = theirs["A"].figures["all"].value
    assert shown == round(shown, 2)
    (there,) = (row.figures["all"].value for row in table(board, public.id).rows if row.model == "A")
    assert theirs["A"].gap == pytest.approx(there - shown, abs=0.0051)
    assert theirs["A"].gap == round(theirs["A"].gap or 0, 2)
    assert theirs["B"].gap is None
    assert set(theirs["A"].figures) == {"all", "most"}  # the other slice has too few queries
    assert set(table(board, hidden.id, measure="R@5").rows[0].figures) == {"all"}


def test_a_table_is_made_once_for_each_generation(board: Board, benchmark: Benchmark, tmp_path: Path) -> None:
    made = fill(board, benchmark, tmp_path, [1.0, 2.0])
    first = table(board, benchmark.id)
    statements: list[str] = []
    event.listen(board.engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    assert table(board, benchmark.id) is first
    assert sum("SELECT" in one for one in statements) == 1
    assert table(board, benchmark.id, measure="R@5") is not first
    moderate(board, made[0].id, "flag", actor="m", reason="why")
    again = table(board, benchmark.id)
    assert again.generation == first.generation + 1
    assert [row.submission for row in again.rows] == [made[1].id]
    with Board.open(board.folder) as other:
        assert table(other, benchmark.id) == again


def test_a_table_is_of_the_moment_of_its_session(board: Board, benchmark: Benchmark, tmp_path: Path) -> None:
    first, _ = fill(board, benchmark, tmp_path, [1.0, 2.0])
    with board.reading() as session:
        before = table(board, benchmark.id, session=session)
        moderate(board, first.id, "hide", actor="m", reason="why")
        assert len(table(board, benchmark.id).rows) == 1  # which another visitor had made meanwhile
        assert table(board, benchmark.id, session=session) == before
        assert len(exporting._benchmark(board, session, session.get_one(Benchmark, benchmark.id)).rows) == 2


@pytest.mark.parametrize("content", [None, b"", b"PK", b"PK\x03\x04 and then nothing"])
def test_values_that_are_lost_or_damaged_are_named(
    board: Board, benchmark: Benchmark, tmp_path: Path, content: bytes | None
) -> None:
    (made,) = fill(board, benchmark, tmp_path, [1.0])
    path = board.private.path(made.values_digest or "")
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    with pytest.raises(RunError, match="no values of a submission"):
        table(board, benchmark.id)
    with pytest.raises(RunError, match="no labels of a benchmark"):
        load_answers(path)


def test_many_threads_make_one_table(tmp_path: Path) -> None:
    memory: Memory[object] = Memory(2)
    made: list[object] = []

    def make() -> object:
        time.sleep(0.05)
        made.append(object())
        return made[-1]

    with Board.make(tmp_path / "board") as board:
        found: list[object] = []
        threads = [threading.Thread(target=lambda: found.append(memory.get(board, "a", 1, make))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(made) == 1
        assert set(found) == set(made)
        assert memory.get(board, "a", 2, make) is made[1]
        assert memory.get(board, "a", 1, make) is made[2]  # for one who began before the change, and not kept
        assert memory.get(board, "a", 2, make) is made[1]
        memory.get(board, "b", 1, make)
        memory.get(board, "c", 1, make)
        assert memory.get(board, "a", 2, make) is made[-1]
        assert len(made) == 6  # "a" had to go for "c"


def test_a_maker_that_fails_is_asked_again(tmp_path: Path) -> None:
    memory: Memory[int] = Memory(2)
    with Board.make(tmp_path / "board") as board:
        with pytest.raises(ZeroDivisionError):
            memory.get(board, "a", 1, lambda: 1 // 0)
        assert memory.get(board, "a", 1, lambda: 3) == 3


def test_equal_runs_share_a_rank(board: Board, benchmark: Benchmark, tmp_path: Path) -> None:
    (team,) = teams_on(board, "team")
    scored = scored_run(board, benchmark, run_of(LABELS, honest(LABELS, 2, 0)), tmp_path)
    constant = scored_run(board, benchmark, run_of(LABELS, np.zeros((240, 40))), tmp_path)
    for one in (constant, scored, scored):
        submission_of(board, benchmark, team, one)
    assert [row.rank for row in table(board, benchmark.id).rows] == [1, 1, 3]
