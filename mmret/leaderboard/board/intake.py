"""Take in a submission that was checked: all of it, or nothing that would count against its team."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ...errors import InputError
from ..submissions import Report
from .board import Board
from .database import Audit, Benchmark, Job, State, Submission, Team, now
from .files import digest_of

Code = Literal["faulty", "closed", "outdated", "duplicate", "quota"]
FREE = (State.failed,)  # states that cost no quota
_SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class RefusedError(InputError):
    """The board does not take the submission.

    Parameters
    ----------
    code: why, for machines.
    submission: id of the team's earlier submission of the same file, for "duplicate".
    """

    def __init__(self, code: Code, message: str, submission: str | None = None) -> None:
        super().__init__(message)
        self.code, self.submission = code, submission


def accept(board: Board, team: Team, benchmark: Benchmark, path: Path, report: Report) -> Submission:
    """Take in a file, which is moved away, and have it scored.

    Parameters
    ----------
    path: a staged file (`board.files.stage`).
    report: what `mmret.leaderboard.submissions.check` says of it.

    Once this returns the submission survives a kill and a power cut, and is scored exactly once. When it raises, no row
    has changed, and a file that was moved is swept some time. Raises `RefusedError` for a file with faults or for an
    older version of the benchmark, for one that the team has sent before, for a benchmark that takes nothing and for a
    quota that is used up; `RunError` when the disk or the database takes no more.
    """
    if not report.ok or report.description is None:
        raise RefusedError("faulty", "; ".join(str(fault) for fault in report.faults if fault.severity == "error"))
    description, digest, size = report.description, digest_of(path), path.stat().st_size
    with board.files.held(), board.writing() as session:
        session.get_one(Team, team.id, with_for_update=True)  # two submissions of a team come one after the other
        asked = session.get_one(Benchmark, benchmark.id, with_for_update=True)  # and of a benchmark: queued as received
        if not asked.active:
            raise RefusedError("closed", f"{asked.id} takes no submissions any more")
        if description.benchmark.digest != asked.digest:
            raise RefusedError("outdated", f"the file was made for another version of {asked.id} than {asked.version}")
        _refuse_known(session, team, asked, digest)
        _refuse_over_quota(session, team, asked)
        submission = Submission(
            id=new_id(),
            team_id=team.id,
            benchmark_id=asked.id,
            file_digest=digest,
            size=size,
            run_digest=report.run_digest,
            description=description.model_dump(mode="json"),
        )
        session.add(submission)
        session.flush()
        session.add(Job(submission_id=submission.id))
        session.add(Audit(actor=team.name, action="submit", submission_id=submission.id, detail={"size": size}))
        session.flush()  # last of all comes the file, which no error can take back
        board.files.keep(path, digest)
    return submission


def new_id(moment: float | None = None) -> str:
    """26 characters that sort by time and cannot be guessed: 48 bits of milliseconds and 80 random ones, in the digits
    of Crockford's base 32 (the form of a ULID)."""
    milliseconds = int((time.time() if moment is None else moment) * 1000)
    number = milliseconds << 80 | secrets.randbits(80)
    return "".join(_SIGNS[number >> shift & 31] for shift in range(125, -1, -5))


def _refuse_known(session: Session, team: Team, benchmark: Benchmark, digest: str) -> None:
    same = session.scalar(
        select(Submission.id).where(
            Submission.team_id == team.id,
            Submission.benchmark_id == benchmark.id,
            Submission.file_digest == digest,
            Submission.state.not_in((State.failed, State.withdrawn)),
        )
    )
    if same is not None:
        raise RefusedError("duplicate", f"your team has sent this very file before: submission {same}", same)


def _refuse_over_quota(session: Session, team: Team, benchmark: Benchmark) -> None:
    today = datetime.combine(now().date(), datetime.min.time(), UTC)
    for limit, since, period in (
        (benchmark.quota_total, None, "in all"),
        (benchmark.quota_day, today, "a day; the next day begins at 00:00 UTC"),
    ):
        if limit is None:
            continue
        counted = select(func.count(Submission.id)).where(
            Submission.team_id == team.id,
            Submission.benchmark_id == benchmark.id,
            Submission.state.not_in(FREE),
        )
        if since is not None:
            counted = counted.where(Submission.received_at >= since)
        if (session.scalar(counted) or 0) >= limit:
            raise RefusedError("quota", f"{benchmark.id} takes {limit} submissions of a team {period}")
