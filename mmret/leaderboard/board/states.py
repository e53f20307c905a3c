"""Changes of state that people decide, each with a line in the audit log and a new generation of the table."""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session, joinedload

from ...errors import InputError
from .board import Board
from .database import Audit, Benchmark, Job, Kind, Progress, State, Submission, Team, now

Action = Literal["verify", "flag", "hide", "restore"]
_FROM = {
    "verify": (State.flagged,),
    "flag": (State.verified,),
    "hide": (State.verified, State.flagged),
    "restore": (State.hidden,),
    "withdraw": (State.pending, State.verified, State.flagged),
}
_TO = {"verify": State.verified, "flag": State.flagged, "hide": State.hidden, "withdraw": State.withdrawn}


def moderate(board: Board, submission: str, action: Action, *, actor: str, reason: str = "") -> Submission:
    """Decide about a submission.

    Parameters
    ----------
    submission: its id.
    action: verify a flagged one, flag or hide one that is shown, restore a hidden one to what it was before.
    actor: the moderator's name, for the audit log.
    reason: for the team; needed to flag and to hide.

    Raises `InputError` when there is no such submission, when its state does not allow this, and without a reason.
    """
    if action in ("flag", "hide") and not reason:
        raise InputError(f"to {action} a submission takes a reason, which its team will read")
    with board.writing() as session:
        found = session.get(Submission, submission, with_for_update=True)
        if found is None:
            raise InputError(f"there is no submission {submission!r}")
        if action == "restore":
            state, reason = _before_hiding(session, found)
        else:
            state = _TO[action]
        _change(session, found, action, state, actor=actor, reason=reason)
        return found


def flagged(board: Board) -> list[Submission]:
    """The submissions that wait for a moderator, with their teams, oldest first."""
    asked = select(Submission).where(Submission.state == State.flagged).options(joinedload(Submission.team))
    with board.reading() as session:
        return list(session.scalars(asked.order_by(Submission.id)))


def withdraw(board: Board, team: Team, submission: str) -> Submission:
    """Take a submission back, for its team and for ever; it stays counted in the quota.

    Raises `InputError` when the team has no such submission, and when its state does not allow this.
    """
    with board.writing() as session:
        found = session.get(Submission, submission, with_for_update=True)
        if found is None or found.team_id != team.id:
            raise InputError(f"your team has no submission {submission!r}")
        _change(session, found, "withdraw", State.withdrawn, actor=team.name, reason="")
        return found


def rescore(board: Board, benchmark: str | None = None, *, actor: str, outdated: str | None = None) -> int:
    """Have what was scored before scored again, after a change of scorer or labels; how many submissions that are.

    Parameters
    ----------
    benchmark: id; None for all.
    outdated: a scorer version: only what another version scored.

    States do not change by it; until a submission's turn comes, its old figures stand. One that waits to be scored
    already is left alone. Raises `InputError` for an unknown benchmark.
    """
    with board.writing() as session:
        if benchmark is not None and session.get(Benchmark, benchmark) is None:
            raise InputError(f"there is no benchmark {benchmark!r} on this board")
        waiting = select(Job.submission_id).where(Job.state.in_((Progress.queued, Progress.running)))
        chosen = select(Submission.id).where(Submission.scored_at.is_not(None), Submission.id.not_in(waiting))
        chosen = chosen.where(Submission.state.in_((State.verified, State.flagged, State.hidden)))
        if benchmark is not None:
            chosen = chosen.where(Submission.benchmark_id == benchmark)
        if outdated is not None:
            chosen = chosen.where(or_(Submission.scorer_version != outdated, Submission.scorer_version.is_(None)))
        found = list(session.scalars(chosen.order_by(Submission.id)))
        session.add_all(Job(submission_id=one, kind=Kind.rescore) for one in found)
        detail: dict[str, Any] = {"benchmark": benchmark, "submissions": len(found)}
        session.add(Audit(actor=actor, action="rescore", detail=detail))
        return len(found)


def renew(session: Session, benchmark: str) -> None:
    """Say that the table of a benchmark has changed, and that of a hidden one which is compared with it."""
    session.execute(
        update(Benchmark)
        .where(or_(Benchmark.id == benchmark, Benchmark.public_id == benchmark))
        .values(generation=Benchmark.generation + 1)
    )


def _change(session: Session, found: Submission, action: str, state: State, *, actor: str, reason: str) -> None:
    if found.state not in _FROM[action]:
        allowed = " or ".join(_FROM[action])
        raise InputError(f"submission {found.id} is {found.state}; to {action} it, it must be {allowed}")
    detail = {"from": found.state, "to": state, "reason": reason, "reason before": found.reason}
    session.add(Audit(actor=actor, action=action, submission_id=found.id, detail=detail))
    found.state, found.reason, found.decided_at = state, reason, now()
    renew(session, found.benchmark_id)


def _before_hiding(session: Session, found: Submission) -> tuple[State, str]:
    """State and reason that it had, by the audit log."""
    hidden = select(Audit).where(Audit.submission_id == found.id, Audit.action == "hide").order_by(Audit.id.desc())
    last = session.scalars(hidden.limit(1)).first()
    if last is None:
        raise InputError(f"submission {found.id} is {found.state}; to restore it, it must be {State.hidden}")
    return State(last.detail["from"]), last.detail["reason before"]
