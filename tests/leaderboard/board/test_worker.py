"""Each accepted submission is scored exactly once, in order, whatever dies in between."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import func, select

from mmret.benchmarks import Ragged
from mmret.evaluation import Run, score_run_on
from mmret.leaderboard.board import Board, worker
from mmret.leaderboard.board.benchmarks import Terms, add_benchmark, benchmarks
from mmret.leaderboard.board.board import DATABASE
from mmret.leaderboard.board.database import Benchmark, Job, Kind, Progress, Score, State, Submission
from mmret.leaderboard.board.files import digest_of
from mmret.leaderboard.board.scorer import SCORER_VERSION
from mmret.leaderboard.board.teams import create_team
from mmret.leaderboard.board.values import load_values

from .made import add, labelled, random_run, scored, send, send_some

ASKED = labelled()
_WORK = """
import resource, sys
from pathlib import Path
from mmret.leaderboard.board import Board, worker

if sys.argv[2:]:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
with Board.open(Path(sys.argv[1])) as board:
    worker.run(board, once=True)
"""


def _start(board: Board, *limit: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", _WORK, str(board.folder), *limit], stderr=subprocess.PIPE, text=True)


def _states(board: Board) -> list[State]:
    with board.reading() as session:
        return list(session.scalars(select(Submission.state).order_by(Submission.id)))


def test_figures_are_those_of_the_evaluation(board: Board) -> None:
    benchmark = add(board, ASKED)
    run = random_run(ASKED, 0)
    sent = send(board, create_team(board, "A"), benchmark, ASKED, run)
    assert worker.run(board, once=True) == 1
    expected = score_run_on(run, ASKED, protocols=benchmark.protocols, measures=benchmark.measures)
    with board.reading() as session:
        kept = session.get_one(Submission, sent.id)
        assert (kept.state, kept.scorer_version, kept.reason) == (State.verified, SCORER_VERSION, "")
        assert session.get_one(Benchmark, "made-up").generation == benchmark.generation + 1
        assert session.scalar(select(Job.state)) == Progress.done
        found = {(one.protocol, one.slice, one.measure): one for one in session.scalars(select(Score))}
    wanted = {
        (protocol, label, measure): (entry, of["n"])
        for protocol, slices in expected.scores.items()
        for label, of in slices.items()
        for measure, entry in of.items()
        if measure != "n"
    }
    assert found.keys() == wanted.keys()
    for key, (entry, n) in wanted.items():
        assert {name: getattr(found[key], name) for name in entry} == entry
        assert found[key].n == n
    assert kept.values_digest is not None
    values = load_values(board.private.checked(kept.values_digest), "gallery", "MRR")
    rows = expected.per_query[expected.per_query.protocol == "gallery"]
    assert values.tolist() == rows["MRR"].tolist()


def test_a_constant_run_scores_what_chance_does(board: Board) -> None:
    run = random_run(ASKED, 0)
    constant = Run(run.queries, run.documents, run.lists, np.zeros_like(run.scores))
    send(board, create_team(board, "A"), add(board, ASKED), ASKED, constant)
    worker.run(board, once=True)
    with board.reading() as session:
        for score in session.scalars(select(Score).where(Score.random.is_not(None))):
            assert score.value == pytest.approx(score.random)


def test_an_exact_copy_of_another_team_is_flagged(board: Board) -> None:
    benchmark, run = add(board, ASKED), random_run(ASKED, 0)
    first = send(board, create_team(board, "A"), benchmark, ASKED, run)
    send(board, create_team(board, "B"), benchmark, ASKED, run)
    worker.run(board, once=True)
    assert _states(board) == [State.verified, State.flagged]
    with board.reading() as session:
        reason = session.scalar(select(Submission.reason).where(Submission.state == State.flagged))
    assert first.id in str(reason)


def test_of_hidden_labels_only_coarse_figures_are_kept(board: Board) -> None:
    benchmark = add(board, ASKED, Terms.usual(hidden=True))
    send_some(board, create_team(board, "A"), benchmark, ASKED, [0])
    worker.run(board, once=True)
    with board.reading() as session:
        found = list(session.scalars(select(Score)))
    assert {one.slice for one in found} == {"all"}  # the slices are small
    assert all(one.value == round(one.value, 3) for one in found)


def test_scoring_again_replaces_the_figures_and_keeps_the_state(board: Board) -> None:
    (sent,) = send_some(board, create_team(board, "A"), add(board, ASKED), ASKED, [0])
    worker.run(board, once=True)
    with board.writing() as session:
        submission = session.get_one(Submission, sent)
        submission.state, submission.scorer_version = State.hidden, "0"
        figures = session.scalar(select(func.count()).select_from(Score))
        session.add(Job(submission_id=sent, kind=Kind.rescore))
    worker.run(board, once=True)
    with board.reading() as session:
        assert session.scalar(select(func.count()).select_from(Score)) == figures
        submission = session.get_one(Submission, sent)
        assert (submission.state, submission.scorer_version) == (State.hidden, SCORER_VERSION)


def test_labels_that_are_replaced_while_it_scores_decide(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    add(board, ASKED)
    mended = replace(ASKED, positives=Ragged.of([one[[(i + 2) % 20]] for i, one in enumerate(ASKED.galleries or [])]))
    run = random_run(ASKED, 0)
    send(board, create_team(board, "A"), benchmarks(board)[0], ASKED, run)

    def judge(*_: object) -> list[object]:
        """What the labels are replaced before, once."""
        if benchmarks(board)[0].hidden:
            return []
        add_benchmark(board, mended, Terms(hidden=True, decimals=2), source="x", replace=True)
        return []

    monkeypatch.setattr(worker, "judge", judge)
    assert worker.run(board, once=True) == 1
    after = benchmarks(board)[0]
    expected = score_run_on(run, mended, protocols=after.protocols, measures=after.measures)
    with board.reading() as session:
        found = session.scalars(select(Score).where(Score.slice == "all", Score.measure == "MRR")).all()
        assert session.scalars(select(Job.attempts)).all() == [0]
    wanted = {protocol: round(slices["all"]["MRR"]["value"], 2) for protocol, slices in expected.scores.items()}
    assert {one.protocol: one.value for one in found} == wanted


def test_time_and_memory_are_limited(board: Board) -> None:
    asked = labelled(queries=400, documents=2000, candidates=1500)
    team, benchmark = create_team(board, "A"), add(board, asked)
    for seed, (limits, reason) in enumerate(
        [
            (worker.Limits(seconds=0.01), "did not end within 0.01 s"),
            (worker.Limits(bytes=1 << 20), "more memory than the board allows"),
        ]
    ):
        (sent,) = send_some(board, team, benchmark, asked, [seed])
        assert worker.run(board, once=True, limits=limits) == 3  # attempts
        with board.reading() as session:
            submission = session.get_one(Submission, sent)
            assert submission.state == State.failed
            assert reason in submission.reason
    send_some(board, team, benchmark, asked, [2])
    worker.run(board, once=True)
    assert _states(board) == [State.failed, State.failed, State.verified]


def test_a_file_that_is_lost_or_damaged_fails_alone(board: Board) -> None:
    ids = send_some(board, create_team(board, "A"), add(board, ASKED), ASKED, range(2))
    with board.reading() as session:
        board.files.path(session.get_one(Submission, ids[0]).file_digest).write_bytes(b"PAR1 and then nothing")
    worker.run(board, once=True)
    assert _states(board) == [State.failed, State.verified]
    with board.reading() as session:
        assert "send it again" in session.get_one(Submission, ids[0]).reason
        assert "content has changed" in str(session.scalar(select(Job.error)))


def test_what_goes_wrong_inside_tells_no_labels(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    """The labels of a board that was tampered with: the team learns nothing, whoever runs it everything."""
    benchmark = add(board, ASKED)
    (sent,) = send_some(board, create_team(board, "A"), benchmark, ASKED, [0])
    with board.private.stage() as staged:
        staged.write_bytes(b"document-00007 is right")
        digest = digest_of(staged)
        board.private.keep(staged, digest)
    with board.writing() as session:
        session.get_one(Benchmark, benchmark.id).answers_digest = digest
    worker.run(board, once=True)
    with board.reading() as session:
        submission = session.get_one(Submission, sent)
        assert submission.state == State.failed
        assert "whoever runs the board" in submission.reason
        assert "no labels of a benchmark" in str(session.scalar(select(Job.error)))


def test_a_submission_that_was_withdrawn_stays_so(board: Board) -> None:
    (sent,) = send_some(board, create_team(board, "A"), add(board, ASKED), ASKED, [0])
    with board.writing() as session:
        session.get_one(Submission, sent).state = State.withdrawn
    worker.run(board, once=True)
    assert _states(board) == [State.withdrawn]


def test_two_workers_share_the_queue(board: Board) -> None:
    ids = send_some(board, create_team(board, "A"), add(board, ASKED), ASKED, range(10))
    with ThreadPoolExecutor(2) as threads:
        shares = list(threads.map(lambda _: worker.run(board, once=True), range(2)))
    assert sum(shares) == 10
    assert 0 not in shares
    assert sorted(scored(board)) == ids
    assert set(_states(board)) == {State.verified}


def test_a_disk_that_is_full_keeps_the_job(board: Board) -> None:
    ids = send_some(board, create_team(board, "A"), add(board, ASKED), ASKED, range(2))
    full = _start(board, "1000")
    _, told = full.communicate()
    assert full.returncode == 1
    assert "RunError" in told
    assert set(_states(board)) == {State.pending}
    worker.run(board, once=True)
    assert scored(board) == ids


def _children(process: int) -> list[int]:
    """All processes that descend from one."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rsplit(")", 1)[1].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    found, more = [], [process]
    while more:
        more = [child for child, parent in parents.items() if parent in more]
        found += more
    return found


def test_kills_lose_nothing_and_count_nothing_twice(board: Board, database_url: str | None) -> None:
    """The worker and its child are killed at random moments."""
    count = 30 if database_url is None else 15  # some are left after six kills; the server's own test has fifty
    ids = send_some(board, create_team(board, "A"), add(board, ASKED), ASKED, range(count))
    chance = random.Random(5)
    for _ in range(2):
        process = _start(board)
        for _ in range(2):
            _await_progress(board, process)
            time.sleep(chance.random() / 10)
            for child in _children(process.pid)[-1:]:
                os.kill(child, signal.SIGKILL)
        _await_progress(board, process)
        time.sleep(chance.random() / 10)
        process.kill()
        process.communicate()
    assert _states(board).count(State.pending) > 0
    last = _start(board)
    last.communicate()
    assert last.returncode == 0
    assert scored(board) == ids
    assert set(_states(board)) == {State.verified}
    assert set(_jobs(board)) == {Progress.done}
    assert board.sweep() == 0
    assert len(list(board.private.folder.glob("??/*"))) == count + 1  # and the labels


def _await_progress(board: Board, process: subprocess.Popen[str]) -> None:
    """Until the worker has scored something more, or ended."""
    before = len(scored(board))
    while len(scored(board)) == before and process.poll() is None:
        time.sleep(0.02)


def test_the_child_ends_with_its_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DATABASE, raising=False)
    asked = labelled(queries=2000, documents=4000, candidates=1000)
    with Board.make(tmp_path / "board") as board:
        send_some(board, create_team(board, "A"), add(board, asked), asked, [0])
        process = _start(board)
        while not any(map(_children, children := _children(process.pid))):  # what the fork server has forked
            assert process.poll() is None
            time.sleep(0.02)
    process.kill()
    process.communicate()
    for _ in range(100):
        if not any(Path(f"/proc/{child}").exists() for child in children):
            break
        time.sleep(0.1)
    else:
        raise AssertionError(f"still there: {children}")


def _jobs(board: Board) -> list[Progress]:
    with board.reading() as session:
        return list(session.scalars(select(Job.state)))
