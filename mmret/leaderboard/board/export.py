"""The public tables of a board, signed, for others to keep, check and show."""

from __future__ import annotations

import math
from datetime import timedelta
from importlib.metadata import version

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from ...errors import InputError
from ..submissions import Description
from . import rows
from .board import Board
from .database import Audit, Benchmark, Import, Score, State, Submission, now
from .exported import Export, ExportedBenchmark, ExportedRow, ExportedScore, read_export
from .files import digest_of
from .signing import public_key, sign, verify
from .states import renew

FAST = timedelta(minutes=10)  # that the clock of another board may be ahead


def export(board: Board) -> bytes:
    """All that the public tables show, at one moment, as a signed document."""
    with board.reading() as session:
        every = session.scalars(select(Benchmark).order_by(Benchmark.added_at, Benchmark.id))
        benchmarks = [_benchmark(board, session, one) for one in every]
    content = Export(exported_at=now(), mmret=version("mmret"), benchmarks=benchmarks)
    return sign(board.folder, content.model_dump(mode="json"))


def verified(document: bytes, key: str | None = None) -> tuple[Export, str]:
    """A signed export and the key that signed it; parameters and errors are those of `signing.verify`."""
    content, signer = verify(document, key)
    return read_export(content), signer


def import_tables(board: Board, document: bytes, key: str, *, actor: str) -> list[str]:
    """Show what another board exported beside our own rows, marked and not ranked.

    Parameters
    ----------
    key: the other board's public key, known from elsewhere than the document.
    actor: for the audit log.

    Gives the ids of the benchmarks that it has rows of, which are those that ask the same. What the same board exported
    before is replaced. Raises `InputError` for a document that the key did not sign, that is our own or older than what
    we have, and for one that shares no benchmark with us.
    """
    exported, signer = verified(document, key)
    if signer == public_key(board.folder):
        raise InputError("this board itself has exported that table")
    if exported.exported_at > now() + FAST:
        raise InputError(f"the table was exported at {exported.exported_at:%Y-%m-%d %H:%M}, which is yet to come")
    asked = {one.digest for one in exported.benchmarks if one.rows}
    with board.files.held(), board.files.stage() as staged, board.writing() as session:
        staged.write_bytes(document)
        digest = digest_of(staged)
        found = list(session.scalars(select(Benchmark).where(Benchmark.digest.in_(asked)).order_by(Benchmark.id)))
        if not found:
            raise InputError("the table has rows of no benchmark that is asked on this board")
        for benchmark in found:
            _replace(session, benchmark, signer, Import(file_digest=digest, exported_at=exported.exported_at))
        detail = {"key": signer, "benchmarks": [one.id for one in found]}
        session.add(Audit(actor=actor, action="import", detail=detail))
        board.files.keep(staged, digest)
    return [one.id for one in found]


def _replace(session: Session, benchmark: Benchmark, key: str, new: Import) -> None:
    """One table of a board, in place of an older one."""
    old = session.scalar(select(Import).where(Import.benchmark_id == benchmark.id, Import.key == key))
    if old is None:
        new.benchmark_id, new.key = benchmark.id, key
        session.add(new)
    elif new.exported_at <= old.exported_at:
        raise InputError(f"the table of that board which is here was exported later, {old.exported_at:%Y-%m-%d %H:%M}")
    else:
        old.file_digest, old.exported_at, old.imported_at = new.file_digest, new.exported_at, now()
    renew(session, benchmark.id)


def _benchmark(board: Board, session: Session, benchmark: Benchmark) -> ExportedBenchmark:
    ranks = {row.submission: row.rank for row in rows.table(board, benchmark.id, session=session).rows}
    ranked = (Submission.benchmark_id == benchmark.id, Submission.state == State.verified)
    scores: dict[str, list[ExportedScore]] = {}
    for one in session.execute(select(*Score.__table__.c).join(Submission).where(*ranked)).mappings():
        figures = {name: _finite(one[name]) for name in ("value", "low", "high")}
        names = {name: one[name] for name in ("protocol", "slice", "measure", "n")}
        scores.setdefault(one["submission_id"], []).append(ExportedScore.model_validate(names | figures))
    found = session.scalars(
        select(Submission).where(*ranked).options(joinedload(Submission.team)).order_by(Submission.id)
    )
    facts = {name: getattr(benchmark, name) for name in ExportedBenchmark.model_fields if name != "rows"}
    return ExportedBenchmark(**facts, rows=[_row(one, ranks[one.id], scores.get(one.id, [])) for one in found])


def _row(submission: Submission, rank: int | None, scores: list[ExportedScore]) -> ExportedRow:
    return ExportedRow(
        submission=submission.id,
        team=submission.team.name,
        rank=rank,
        received_at=submission.received_at,
        scorer_version=submission.scorer_version or "",
        description=Description.model_validate(submission.description),
        scores=sorted(scores, key=lambda one: (one.protocol, one.slice, one.measure)),
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
