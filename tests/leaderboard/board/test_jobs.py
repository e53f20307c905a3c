"""The queue: in order, one holder at a time, nothing lost."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from mmret.leaderboard.board import Board, jobs
from mmret.leaderboard.board.database import Audit, Job, Progress, State, Submission
from mmret.leaderboard.board.teams import create_team

from .made import add, labelled, send_some

ASKED = labelled()


@pytest.fixture
def sent(board: Board) -> list[str]:
    return send_some(board, create_team(board, "A"), add(board, ASKED), ASKED, range(3))


def test_jobs_come_in_order_to_one_each(board: Board, sent: list[str]) -> None:
    claimed = [jobs.claim(board, name) for name in "abcd"]
    assert [one and one.submission for one in claimed] == [*sent, None]


def test_many_who_ask_at_once_get_different_ones(board: Board) -> None:
    sent = send_some(board, create_team(board, "A"), add(board, ASKED), ASKED, range(12))
    with ThreadPoolExecutor(8) as threads:
        claimed = list(threads.map(lambda i: jobs.claim(board, f"worker {i}"), range(16)))
    assert sorted(one.submission for one in claimed if one) == sent


def test_a_lease_that_ends_gives_the_job_to_another(board: Board, sent: list[str]) -> None:
    slow = jobs.claim(board, "slow", lease=0.05)
    assert slow is not None
    time.sleep(0.1)
    assert jobs.extend(board, slow, lease=0.05)  # late, but nobody has taken it
    time.sleep(0.1)
    quick = jobs.claim(board, "quick")
    assert quick is not None
    assert quick.submission == slow.submission == sent[0]
    assert not jobs.extend(board, slow)
    jobs.fail(board, slow, "", "too late", again=False)
    with board.writing() as session:
        assert jobs.held(session, slow) is None
        job = jobs.held(session, quick)
        assert job is not None
        jobs.finish(job)
    with board.reading() as session:
        assert session.get_one(Job, quick.job).state == Progress.done
        assert session.get_one(Submission, sent[0]).state == State.pending


def test_a_job_is_tried_three_times(board: Board, sent: list[str]) -> None:
    for attempt in range(3):
        claimed = jobs.claim(board, "worker")
        assert claimed is not None
        assert (claimed.submission, claimed.attempts) == (sent[0], attempt)
        jobs.fail(board, claimed, "it took too long", "details", again=True)
    with board.reading() as session:
        submission, job = session.get_one(Submission, sent[0]), session.get_one(Job, claimed.job)
        assert (submission.state, submission.reason) == (State.failed, "it took too long")
        assert (job.state, job.error, job.attempts) == (Progress.failed, "details", 3)
        assert session.scalar(select(Audit.detail).where(Audit.action == "fail")) == {"error": "details", "attempts": 3}
    following = jobs.claim(board, "worker")
    assert following is not None
    assert following.submission == sent[1]


def test_what_cannot_succeed_is_not_tried_again(board: Board, sent: list[str]) -> None:
    claimed = jobs.claim(board, "worker")
    assert claimed is not None
    jobs.fail(board, claimed, "it does not fit", "details", again=False)
    with board.reading() as session:
        assert session.get_one(Submission, sent[0]).state == State.failed


def test_a_failure_changes_nothing_that_was_decided(board: Board, sent: list[str]) -> None:
    claimed = jobs.claim(board, "worker")
    assert claimed is not None
    with board.writing() as session:
        session.get_one(Submission, sent[0]).state = State.withdrawn
    jobs.fail(board, claimed, "", "details", again=False)
    with board.reading() as session:
        assert session.get_one(Submission, sent[0]).state == State.withdrawn


def test_jobs_of_the_dead_on_this_machine_come_back_at_once(board: Board, sent: list[str]) -> None:
    script = "from mmret.leaderboard.board.jobs import worker_name; print(worker_name())"
    dead = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.strip()
    alive, elsewhere = jobs.worker_name(), dead.replace(":", "-elsewhere:", 1)
    for name in (dead, alive, elsewhere):
        assert jobs.claim(board, name)
    assert jobs.release_dead(board) == 1
    again = jobs.claim(board, "new")
    assert again is not None
    assert again.submission == sent[0]
    assert jobs.claim(board, "new") is None
