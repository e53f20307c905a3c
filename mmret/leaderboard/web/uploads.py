"""Receive an uploaded file: stream it to disk, check it, hand it to the board."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import anyio
from anyio import to_thread

from ...media import Fault as Trouble
from ..board import Board
from ..board.database import Benchmark, Team
from ..board.intake import Code, RefusedError, accept
from ..submissions import Fault, Report
from . import checking
from .limits import has_room
from .problems import ProblemError

_log = logging.getLogger("mmret.web.uploads")

MAGIC = b"PAR1"  # with which Parquet begins

STATUS: dict[Code, HTTPStatus] = {
    "faulty": HTTPStatus.UNPROCESSABLE_ENTITY,
    "outdated": HTTPStatus.UNPROCESSABLE_ENTITY,
    "closed": HTTPStatus.CONFLICT,
    "quota": HTTPStatus.TOO_MANY_REQUESTS,
}


@dataclass(frozen=True)
class Outcome:
    """An upload that was accepted.

    Parameters
    ----------
    submission: its id.
    created: False when the team had sent this very file before; `submission` is then that one.
    warnings: what the check found that does not stand in the way.
    """

    submission: str
    created: bool
    warnings: list[Fault]


class Uploads:
    """Takes in submission files, several at a time.

    Each is checked in a process of its own, so that a file that breaks its reader breaks nothing else, and whose memory
    ends with it.

    Parameters
    ----------
    checkers: number of such processes.
    """

    def __init__(self, board: Board, checkers: int = 2) -> None:
        self._board = board
        self._checkers = checking.checkers(checkers)

    def close(self) -> None:
        """End the processes."""
        self._checkers.close()

    async def receive(self, team: Team, benchmark: Benchmark, stream: AsyncIterator[bytes]) -> Outcome:
        """Take in a file, in pieces of any size. Nothing of one that is refused stays on disk.

        Raises `ProblemError` with the reason and, for a file that is at fault, every fault: 409 for a benchmark that
        takes no more, 415 for what is no Parquet, 422 for faults, 429 for a quota that is used up, 507 for a full disk.
        """
        if not benchmark.active:
            raise ProblemError(STATUS["closed"], "closed", f"{benchmark.id} takes no submissions any more")
        if not has_room(self._board.files.folder):
            raise _full()
        with self._board.files.stage() as path:
            await _write(stream, path)
            report = await self._check(path, benchmark)
            warnings = list(report.faults)
            try:
                submission = await to_thread.run_sync(accept, self._board, team, benchmark, path, report)
            except RefusedError as refused:
                if refused.submission is None:
                    raise ProblemError(STATUS[refused.code], refused.code, str(refused)) from None
                return Outcome(refused.submission, False, warnings)
        return Outcome(submission.id, True, warnings)

    async def _check(self, path: Path, benchmark: Benchmark) -> Report:
        ground = self._board.files.path(benchmark.ground_digest)
        future = self._checkers.submit(checking.check_within, path, ground)
        await asyncio.gather(asyncio.wrap_future(future), return_exceptions=True)
        report = await to_thread.run_sync(self._checkers.result_of, future)  # which may begin again, and wait
        if isinstance(report, Trouble):
            _log.error("a file could not be checked", extra={"fields": {"reason": report.reason}})
            bounds = f"{checking.SECONDS} s and {checking.BYTES >> 30} GiB"
            message = f"the file cannot be checked within {bounds}; pack it again"
            report = Report([Fault("unreadable", "error", message)])
        if not report.ok:
            errors = sum(fault.severity == "error" for fault in report.faults)
            detail = f"the file is refused for {errors} fault{'s' if errors > 1 else ''}; it costs no quota"
            raise ProblemError(STATUS["faulty"], "faulty", detail, faults=report.faults)
        return report


async def _write(stream: AsyncIterator[bytes], path: Path) -> None:
    head = b""
    try:
        async with await anyio.open_file(path, "wb") as file:
            async for piece in stream:
                if len(head) < len(MAGIC):
                    head += piece[: len(MAGIC)]
                    if not MAGIC.startswith(head[: len(MAGIC)]):
                        detail = "the body is no Parquet file; send what `mmret submit pack` makes, as it is"
                        raise ProblemError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "not-parquet", detail)
                await file.write(piece)
    except OSError as error:
        _log.error("an upload cannot be written", extra={"fields": {"reason": str(error)}})
        raise _full() from None


def _full() -> ProblemError:
    return ProblemError(HTTPStatus.INSUFFICIENT_STORAGE, "full", "the disk of the server is full; try later")
