"""The queue: jobs in the order in which they came, each held by one worker at a time.

A job is held until its lease ends, which its worker extends while it works. Where a worker dies, the job goes to the
next one that asks after that, or at once to one on the same machine. Whoever lost a job finds out in the transaction
that would record it, and records nothing.
"""

from __future__ import annotations

import os
import secrets
import socket
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from .board import Board
from .database import Audit, Job, Progress, State, Submission, now

LEASE = 60.0  # seconds
RETRIES = 2  # after a first attempt that failed


@dataclass(frozen=True)
class Claim:
    """A job that is held.

    Parameters
    ----------
    worker: who holds it.
    job, submission: their ids.
    attempts: those that failed.
    """

    worker: str
    job: int
    submission: str
    attempts: int


def worker_name() -> str:
    """A name for this process: machine, process id, and what tells it from an earlier process of that id."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


def claim(board: Board, worker: str, lease: float = LEASE) -> Claim | None:
    """Hold the oldest job that nobody holds; None where there is none."""
    with board.writing() as session:
        job = session.scalar(
            select(Job)
            .where(or_(Job.state == Progress.queued, and_(Job.state == Progress.running, Job.lease_until < now())))
            .order_by(Job.id)
            .limit(1)
            .with_for_update(skip_locked=True)  # SQLite has one writer at a time and does without
        )
        if job is None:
            return None
        job.state, job.worker = Progress.running, worker
        job.started_at = now()
        job.lease_until = job.started_at + timedelta(seconds=lease)
        return Claim(worker, job.id, job.submission_id, job.attempts)


def held(session: Session, claimed: Claim) -> Job | None:
    """The job, locked, if the worker still holds it; None where another took it over."""
    job = session.scalar(select(Job).where(Job.id == claimed.job).with_for_update())
    return job if job is not None and job.worker == claimed.worker and job.state == Progress.running else None


def extend(board: Board, claimed: Claim, lease: float = LEASE) -> bool:
    """Hold a job for longer; False where another took it over."""
    with board.writing() as session:
        job = held(session, claimed)
        if job is not None:
            job.lease_until = now() + timedelta(seconds=lease)
        return job is not None


def finish(job: Job, progress: Progress = Progress.done, error: str | None = None) -> None:
    """End a job that is held, in the transaction that records what came of it."""
    job.state, job.error, job.lease_until, job.finished_at = progress, error, None, now()


def give_back(job: Job) -> None:
    """Let whoever asks next hold a job, in the transaction of its session."""
    job.state, job.worker, job.lease_until = Progress.queued, None, None


def fail(board: Board, claimed: Claim, reason: str, error: str, *, again: bool) -> None:
    """Give a job back after an attempt that failed, or end it where it was the last one.

    Parameters
    ----------
    reason: for the team, `error`: for whoever runs the board.
    again: whether another attempt may succeed.
    """
    with board.writing() as session:
        job = held(session, claimed)
        if job is None:
            return
        job.attempts += 1
        if again and job.attempts <= RETRIES:
            job.error = error
            give_back(job)
            return
        finish(job, Progress.failed, error)
        submission = session.get_one(Submission, job.submission_id, with_for_update=True)
        if submission.state == State.pending:
            submission.state, submission.reason, submission.decided_at = State.failed, reason, now()
        detail = {"error": error, "attempts": job.attempts}
        session.add(Audit(actor="worker", action="fail", submission_id=submission.id, detail=detail))


def release_dead(board: Board) -> int:
    """Take back the jobs of workers on this machine that are no more; how many they were."""
    with board.writing() as session:
        running = session.scalars(select(Job).where(Job.state == Progress.running).with_for_update())
        dead = [job for job in running if job.worker and _is_dead(job.worker)]
        for job in dead:
            give_back(job)
        return len(dead)


def _is_dead(worker: str) -> bool:
    machine, process, _ = worker.rsplit(":", 2)
    if machine != socket.gethostname():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # it lives, as another user
        return False
    return False
