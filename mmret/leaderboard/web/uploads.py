"""Receive an uploaded file: stream it to disk, check it, hand it to the board. For the API and for the page alike."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from ..board import Board
from ..submissions import Fault


@dataclass(frozen=True)
class Outcome:
    """An upload that was accepted.

    Parameters
    ----------
    submission: id of the submission.
    state: its state, "pending" for a new one.
    created: False when the team had sent this very file before; `submission` is then that one.
    warnings: what the check found that does not stand in the way.
    """

    submission: str
    state: str
    created: bool
    warnings: list[Fault]


async def receive(board: Board, token: str, benchmark_id: str, stream: AsyncIterator[bytes]) -> Outcome:
    """Take in a submission file.

    Parameters
    ----------
    token: the secret of a team with the scope "submit".
    benchmark_id: id of the benchmark on this board.
    stream: content of the file, in pieces of any size; `pieces(path)` for a file on disk.

    Raises `ProblemError` with the reason and, for a file that is at fault, every fault: 401 and 403 for the token, 404 for
    the benchmark, 415 for a file that is no Parquet, 422 for faults, 429 for a quota that is used up, 503 and 507 when
    the server is short of something. Nothing of a refused file stays on disk.
    """
    raise NotImplementedError


async def pieces(path: Path) -> AsyncIterator[bytes]:
    """The content of a file on disk, for `receive`."""
    raise NotImplementedError
    yield b""
