"""Work on the queue: score each submission in a child process with limits, and record what came of it once."""

from __future__ import annotations

import logging
import math
import multiprocessing
import os
import resource
import threading
import time
from collections.abc import Sequence
from concurrent.futures import wait
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import wait as wait_for
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import delete

from ...errors import InputError, RunError
from ...media import Fault, Workers
from . import jobs
from .board import Board
from .database import Audit, Benchmark, Score, State, Submission, now
from .feedback import told
from .files import digest_of
from .states import renew
from .trust import Flag, judge

if TYPE_CHECKING:
    from .scorer import Scored

IDLE = 0.5  # seconds between two looks at an empty queue
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """What the scoring of one submission may take: seconds by the clock, and bytes of address space."""

    seconds: float = 300.0
    bytes: int = 4 << 30


@dataclass(frozen=True)
class Failure:
    """An attempt that failed.

    Parameters
    ----------
    reason: for the team; `error`: for whoever runs the board.
    again: whether another attempt may succeed.
    """

    reason: str
    error: str
    again: bool = True


def run(board: Board, *, once: bool = False, limits: Limits | None = None, lease: float = jobs.LEASE) -> int:
    """Score what is queued, oldest first; how many jobs were ended.

    Parameters
    ----------
    once: return when the queue is empty; otherwise wait for more, for ever.
    lease: seconds after which another worker takes over a job when this one is no more.

    What earlier processes left behind is cleared away first. Raises `RunError` when the disk or the database takes no
    more: the job at hand stays in the queue.
    """
    name, ended = jobs.worker_name(), 0
    released, swept = jobs.release_dead(board), board.sweep()
    _log.info("worker started", extra={"fields": {"worker": name, "released": released, "swept": swept}})
    multiprocessing.get_context("forkserver").set_forkserver_preload([__name__, f"{__package__}.scorer"])
    limits = limits or Limits()
    # A process for each submission, forked from one that has read the code and has no threads.
    with Workers(1, limits.seconds, "scoring process", files=1, begin=partial(_confine, limits)) as workers:
        while True:
            claimed = jobs.claim(board, name, lease)
            if claimed is not None:
                ended += _work(board, workers, claimed, lease)
            elif once:
                return ended
            else:
                time.sleep(IDLE)


def _work(board: Board, workers: Workers, claimed: jobs.Claim, lease: float) -> bool:
    """Score one submission; whether its job was ended."""
    started = time.monotonic()
    with board.reading() as session:
        submission = session.get_one(Submission, claimed.submission)
        benchmark = session.get_one(Benchmark, submission.benchmark_id)
    fields = {"submission": submission.id, "benchmark": benchmark.id}
    try:
        path = board.files.checked(submission.file_digest)
    except RunError as error:
        jobs.fail(board, claimed, "the board has lost the file; please send it again", str(error), again=False)
        return True
    answers = board.private.checked(benchmark.answers_digest)
    future = workers.submit(_score, answers, path, benchmark.protocols, benchmark.measures)
    while not wait([future], lease / 3).done:
        if not jobs.extend(board, claimed, lease):
            future.cancel()
            return False
    outcome = workers.result_of(future)
    if isinstance(outcome, Fault):  # it ran too long, or crashed
        outcome = Failure(outcome.reason, outcome.reason)
    if isinstance(outcome, Failure):
        jobs.fail(board, claimed, outcome.reason, outcome.error, again=outcome.again)
        _log.warning("scoring failed", extra={"fields": fields | {"error": outcome.error}})
        return True
    with board.reading() as session:
        flags = judge(session, board, submission, outcome)
    if not _record(board, claimed, benchmark.answers_digest, outcome, flags):
        return False
    _log.info("scored", extra={"fields": fields | {"seconds": round(time.monotonic() - started, 3)}})
    return True


def _record(board: Board, claimed: jobs.Claim, scored_by: str, scored: Scored, flags: Sequence[Flag]) -> bool:
    """Write figures, values and state together; False where another has the job, or is to have it.

    `scored_by` is the digest of the labels that it was scored with. Flags decide about a new submission alone: what a
    moderator or its team has decided stays.
    """
    from .scorer import SCORER_VERSION

    with board.private.stage() as staged, board.private.held():
        try:
            scored.values.save(staged)
        except OSError as error:
            raise RunError(f"{staged}: values cannot be written: {error.strerror or error}") from error
        digest = digest_of(staged)
        with board.writing() as session:
            job = jobs.held(session, claimed)
            if job is None:
                return False
            submission = session.get_one(Submission, job.submission_id, with_for_update=True)
            asked = session.get_one(Benchmark, submission.benchmark_id, with_for_update=True)
            if asked.answers_digest != scored_by:  # its labels were replaced meanwhile: they decide
                jobs.give_back(job)
                return False
            board.private.keep(staged, digest)
            session.execute(delete(Score).where(Score.submission_id == submission.id))
            session.add_all(told(asked, [Score(submission_id=submission.id, **row) for row in scored.figures]))
            submission.values_digest, submission.scorer_version = digest, SCORER_VERSION
            submission.scored_at = now()
            if submission.state == State.pending:
                submission.state = State.flagged if flags else State.verified
                submission.reason = "; ".join(flag.reason for flag in flags)
                submission.decided_at = now()
            renew(session, submission.benchmark_id)
            detail = {"scorer": SCORER_VERSION, "state": submission.state, "flags": [flag.code for flag in flags]}
            session.add(Audit(actor="worker", action=job.kind, submission_id=submission.id, detail=detail))
            jobs.finish(job)
    return True


def _score(answers: Path, run: Path, protocols: Sequence[str], measures: Sequence[str]) -> Scored | Failure:
    """In the child: errors travel as values, because not all of them can be pickled."""
    from .scorer import score

    try:
        return score(answers, run, protocols, measures)
    except InputError as error:
        return Failure(str(error), str(error), again=False)
    except MemoryError as error:
        return Failure("scoring needed more memory than the board allows", repr(error))
    except Exception as error:  # its text may tell of labels: not for the team
        return Failure("the scorer failed; whoever runs the board can see why", repr(error))


def _confine(limits: Limits) -> None:
    """In the child: set the limits, and end with the worker, whatever ends that."""
    threading.Thread(target=_end_with_worker, daemon=True).start()
    seconds = math.ceil(limits.seconds) * 2  # by two cores, should the clock's limit fail
    for kind, limit in ((resource.RLIMIT_AS, limits.bytes), (resource.RLIMIT_CPU, seconds), (resource.RLIMIT_CORE, 0)):
        resource.setrlimit(kind, (limit, limit))


def _end_with_worker() -> None:
    worker = multiprocessing.parent_process()
    assert worker is not None
    wait_for([worker.sentinel])
    os._exit(1)
