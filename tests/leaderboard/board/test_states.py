from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from mmret.errors import InputError
from mmret.leaderboard.board import Board
from mmret.leaderboard.board.database import Audit, Benchmark, Job, Kind, Progress, Score, State, Submission, Team
from mmret.leaderboard.board.states import flagged, moderate, rescore, withdraw

from .filled import benchmark_on, labelled, run_of, scored_run, submission_of, teams_on

LABELS = labelled(queries=30)


@pytest.fixture
def team(board: Board) -> Team:
    return teams_on(board, "team")[0]


@pytest.fixture
def benchmark(board: Board) -> Benchmark:
    return benchmark_on(board, LABELS)


@pytest.fixture
def submission(board: Board, team: Team, benchmark: Benchmark, tmp_path: Path) -> Submission:
    scored = scored_run(board, benchmark, run_of(LABELS, np.random.default_rng(0).random((30, 40))), tmp_path)
    return submission_of(board, benchmark, team, scored)


def stands(board: Board, submission: Submission) -> tuple[State, str, int]:
    """State, reason, and generation of the table."""
    with board.reading() as session:
        found = session.get_one(Submission, submission.id)
        return found.state, found.reason, found.benchmark.generation


def test_each_change_is_in_the_log_and_in_the_generation(
    board: Board, team: Team, benchmark: Benchmark, submission: Submission
) -> None:
    start = stands(board, submission)[2]
    moderate(board, submission.id, "flag", actor="ann", reason="odd")
    assert stands(board, submission) == (State.flagged, "odd", start + 1)
    assert [(one.id, one.team.name) for one in flagged(board)] == [(submission.id, "team")]
    moderate(board, submission.id, "hide", actor="bob", reason="copied")
    assert stands(board, submission) == (State.hidden, "copied", start + 2)
    moderate(board, submission.id, "restore", actor="bob")
    assert stands(board, submission) == (State.flagged, "odd", start + 3)
    moderate(board, submission.id, "verify", actor="ann")
    assert stands(board, submission) == (State.verified, "", start + 4)
    withdraw(board, team, submission.id)
    assert stands(board, submission) == (State.withdrawn, "", start + 5)
    assert flagged(board) == []
    with board.reading() as session:
        log = list(session.scalars(select(Audit).where(Audit.submission_id == submission.id).order_by(Audit.id)))
        decided_at = session.get_one(Submission, submission.id).decided_at
    assert decided_at is not None
    assert log[3].at <= decided_at
    assert [(one.actor, one.action) for one in log] == [
        ("ann", "flag"), ("bob", "hide"), ("bob", "restore"), ("ann", "verify"), ("team", "withdraw")
    ]  # fmt: skip
    assert log[1].detail == {"from": "flagged", "to": "hidden", "reason": "copied", "reason before": "odd"}


def test_what_a_state_does_not_allow_changes_nothing(board: Board, team: Team, submission: Submission) -> None:
    before = stands(board, submission)
    with pytest.raises(InputError, match="is verified; to verify it, it must be flagged"):
        moderate(board, submission.id, "verify", actor="ann")
    with pytest.raises(InputError, match="is verified; to restore it, it must be hidden"):
        moderate(board, submission.id, "restore", actor="ann")
    for action in ("flag", "hide"):
        with pytest.raises(InputError, match="takes a reason"):
            moderate(board, submission.id, action, actor="ann")
    with pytest.raises(InputError, match="there is no submission 'x'"):
        moderate(board, "x", "verify", actor="ann")
    assert stands(board, submission) == before
    withdraw(board, team, submission.id)
    for action in ("verify", "flag", "hide", "restore"):
        with pytest.raises(InputError, match="is withdrawn"):
            moderate(board, submission.id, action, actor="ann", reason="r")
    with pytest.raises(InputError, match="is withdrawn"):
        withdraw(board, team, submission.id)


def test_a_team_withdraws_its_own_alone(board: Board, submission: Submission) -> None:
    (other,) = teams_on(board, "other")
    for identity in (submission.id, "x"):
        with pytest.raises(InputError, match=f"your team has no submission '{identity}'"):
            withdraw(board, other, identity)
    assert stands(board, submission)[0] == State.verified


def test_a_hidden_one_cannot_be_withdrawn(board: Board, team: Team, submission: Submission) -> None:
    moderate(board, submission.id, "hide", actor="ann", reason="r")
    with pytest.raises(InputError, match="is hidden"):
        withdraw(board, team, submission.id)


def test_a_restored_one_can_be_hidden_and_restored_again(board: Board, submission: Submission) -> None:
    for state in (State.verified, State.flagged):
        if state == State.flagged:
            moderate(board, submission.id, "flag", actor="ann", reason="odd")
        moderate(board, submission.id, "hide", actor="ann", reason="r")
        moderate(board, submission.id, "restore", actor="ann")
        assert stands(board, submission)[0] == state


def test_what_was_scored_is_queued_once_to_be_scored_again(
    board: Board, team: Team, benchmark: Benchmark, submission: Submission, tmp_path: Path
) -> None:
    other = benchmark_on(board, labelled("other", queries=30))
    scored = scored_run(board, other, run_of(LABELS, np.random.default_rng(1).random((30, 40))), tmp_path)
    elsewhere = submission_of(board, other, team, scored, state=State.hidden)
    for state in (State.pending, State.failed, State.withdrawn):
        submission_of(board, benchmark, team, scored, state=state)
    with pytest.raises(InputError, match="there is no benchmark 'x'"):
        rescore(board, "x", actor="ann")
    assert rescore(board, benchmark.id, actor="ann") == 1
    assert rescore(board, actor="ann") == 1  # the first one waits already
    assert rescore(board, actor="ann") == 0
    with board.reading() as session:
        found = list(session.scalars(select(Job).order_by(Job.id)))
        logged = list(session.scalars(select(Audit.detail).where(Audit.action == "rescore").order_by(Audit.id)))
        assert session.scalars(select(Score.submission_id)).first() is not None  # old figures stand until then
    assert [(one.submission_id, one.kind, one.state) for one in found] == [
        (submission.id, Kind.rescore, Progress.queued), (elsewhere.id, Kind.rescore, Progress.queued)
    ]  # fmt: skip
    assert logged[0] == {"benchmark": benchmark.id, "submissions": 1}


def test_only_what_another_version_scored(board: Board, submission: Submission) -> None:
    assert rescore(board, actor="ann", outdated=submission.scorer_version) == 0
    assert rescore(board, actor="ann", outdated="another") == 1
