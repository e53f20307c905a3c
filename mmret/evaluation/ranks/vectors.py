"""Stored vectors: reading them as float32, part by part, their norms, and which of them are copies."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...vectors import Rows
from .exact import FLOAT32, gamma

Where = slice | NDArray[np.integer]
READ_BYTES = 1 << 23  # of float32 at a time while surveying


def read(matrix: Rows, where: Where) -> NDArray[np.float32]:
    """The rows `where` as contiguous float32, without a copy where they are stored so."""
    part = matrix[where]
    if not isinstance(part, np.ndarray):
        if str(part.dtype) not in ("torch.float32", "torch.float16", "torch.bfloat16"):
            raise InputError(f"vectors of type {part.dtype}: give float32, float16 or bfloat16")
        part = part.detach().float().cpu().numpy()
    if not np.can_cast(part.dtype, np.float32, "safe"):
        raise InputError(f"vectors of type {part.dtype}: give float32, float16 or bfloat16")
    return np.ascontiguousarray(part, np.float32)


@dataclass(frozen=True)
class Survey:
    """What one pass over a matrix tells.

    `norms` float64 `(n,)`: upper bounds of the Euclidean norms, 0 only for zero vectors.
    `twins` int32 `(n,)`: the first row with the very same bits.
    """

    norms: NDArray[np.float64]
    twins: NDArray[np.int32]


def survey(matrix: Rows, side: str, name: Callable[[int], str] = str, *, twins: bool = True) -> Survey:
    """Read all of `matrix` once; `side` ("query", "document") and the `name` of a row serve the error messages.

    Raises `InputError` when the matrix has not two dimensions, or for NaN and infinite values.
    """
    if len(matrix.shape) != 2 or matrix.shape[1] == 0:
        raise InputError(f"{side} vectors of shape {tuple(matrix.shape)}: give (vectors, dimensions)")
    count, width = matrix.shape
    norms = np.zeros(count)
    keys = np.zeros(count, np.uint64)
    spread = slice(None, None, max(1, width // 8))  # some columns tell most rows apart
    for part, rows in _parts(matrix):
        norms[part] = _norms(rows)
        if twins:
            keys[part] = _mix(rows[:, spread])
    bad = np.flatnonzero(~np.isfinite(norms))
    if len(bad):
        names = ", ".join(name(row) for row in bad[:10].tolist())
        raise InputError(f"NaN or infinite values in {len(bad):,} {side} vectors: {names}")
    return Survey(norms, _twins(matrix, keys) if twins else np.arange(count, dtype=np.int32))


def _parts(matrix: Rows) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    count, width = matrix.shape
    step = max(1, READ_BYTES // (4 * width))
    for start in range(0, count, step):
        part = slice(start, min(start + step, count))
        yield part, read(matrix, part)


def _norms(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Upper bounds of the norms; squared in float32 where that can neither overflow nor lose to underflow."""
    with np.errstate(all="ignore"):
        squares = np.vecdot(rows, rows).astype(np.float64)
        odd = np.flatnonzero(~((squares > 2.0**-80) & (squares < 2.0**100)))
        for one in odd:
            wide = rows[one].astype(np.float64)
            squares[one] = wide @ wide
        return np.sqrt(squares) * (1 + gamma(rows.shape[1], FLOAT32))


def _mix(values: NDArray[np.float32]) -> NDArray[np.uint64]:
    """One 64-bit key a row: equal rows have equal keys."""
    bits = np.ascontiguousarray(values).view(np.uint32).astype(np.uint64)
    factors = np.arange(1, 2 * bits.shape[1], 2, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    keys: NDArray[np.uint64] = np.matmul(bits, factors, dtype=np.uint64)
    return keys


def _twins(matrix: Rows, keys: NDArray[np.uint64]) -> NDArray[np.int32]:
    """Compare by digest those rows only whose keys occur more than once."""
    twins = np.arange(len(keys), dtype=np.int32)
    ordered = np.sort(keys)
    suspects = np.flatnonzero(np.isin(keys, ordered[1:][ordered[1:] == ordered[:-1]]))
    first: dict[bytes, int] = {}
    for start in range(0, len(suspects), 256):
        some = suspects[start : start + 256]
        for row, values in zip(some.tolist(), read(matrix, some), strict=True):
            twins[row] = first.setdefault(hashlib.blake2b(values.data, digest_size=32).digest(), row)
    return twins
