"""Counting in runs: lists of documents with scores, as a file holds them. The scores are compared as they are given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...benchmarks.ragged import Ragged
from ...errors import InputError
from .standing import Counts

BLOCK = 1 << 18  # entries of a run looked at together: what a core's cache holds
FEW = 8  # up to so many positives a query, comparing with each beats sorting
Array = NDArray[np.floating]


def count_scores(
    run: Ragged,
    scores: Array,
    positives: Ragged,
    gains: Array,
    *,
    checked: bool = False,
    query_ids: Sequence[str] | None = None,
    document_ids: Sequence[str] | None = None,
) -> Counts:
    """Standing of the positives in a run.

    Parameters
    ----------
    run: for each query the documents retrieved, in any order; may be empty.
    scores: float `(entries of run,)`, higher is better; compared exactly as given.
    positives: for each query its positives; those that the run does not list count as not retrieved.
    gains: float `(entries of positives,)`, > 0.
    checked: the run is known to hold finite scores only and no document twice for one query; saves the checks.
    query_ids, document_ids: names for error messages.

    Raises `InputError` for NaN or infinite scores, a document listed twice for one query, gains that are not
    positive, and arrays whose lengths do not fit.
    """
    scores = np.asarray(scores) if np.issubdtype(np.asarray(scores).dtype, np.floating) else np.asarray(scores, float)
    grades: NDArray[np.float64] = np.asarray(gains, np.float64)
    if len(run) != len(positives) or len(scores) != len(run.positions) or len(grades) != len(positives.positions):
        raise InputError("run, scores, positives and gains do not belong together: their lengths differ")
    names = _Names(run, query_ids, document_ids)
    if not (grades > 0).all():
        raise InputError("gains of positives must be greater than 0")
    greater, tied = np.full(len(grades), -1, np.int64), np.zeros(len(grades), np.int64)
    for rows in _blocks(run.sizes):
        block = _Block.of(run, scores, rows)
        if not checked:
            names.refuse_infinite(scores, rows)
            names.refuse_twice(block, rows)
        first, last = positives.offsets[rows.start], positives.offsets[rows.stop]
        part = slice(first, last)
        wanted = Ragged(positives.offsets[rows.start : rows.stop + 1] - first, positives.positions[part])
        _count(block, wanted, greater[part], tied[part])
    return Counts(positives.rows.astype(np.int32), grades, greater, tied, run.sizes)


@dataclass(frozen=True)
class _Block:
    """Some queries' lists as a rectangle `(queries, longest)`; the filling has negative positions and scores -inf."""

    positions: NDArray[np.int32]
    scores: Array

    @classmethod
    def of(cls, run: Ragged, scores: Array, rows: slice) -> _Block:
        first, last = run.offsets[rows.start], run.offsets[rows.stop]
        positions, values = run.positions[first:last], scores[first:last]
        sizes = np.diff(run.offsets[rows.start : rows.stop + 1])
        shape = (len(sizes), int(sizes.max(initial=0)))
        if (sizes == shape[1]).all():
            return cls(positions.reshape(shape), values.reshape(shape))
        inside = np.arange(shape[1]) < sizes[:, None]
        filled = np.broadcast_to(-1 - np.arange(shape[1], dtype=np.int32), shape).copy()
        lowest = np.full(shape, -np.inf, values.dtype)
        filled[inside], lowest[inside] = positions, values
        return cls(filled, lowest)


def _blocks(sizes: NDArray[np.int64]) -> Iterator[slice]:
    """Consecutive queries whose rectangle has at most `BLOCK` entries (or one query)."""
    start = 0
    while start < len(sizes):
        longest = np.maximum.accumulate(sizes[start : start + 4096])
        fitting = int(np.searchsorted(longest * np.arange(1, len(longest) + 1), BLOCK, "right"))
        yield slice(start, start + max(1, fitting))
        start += max(1, fitting)


def _count(block: _Block, wanted: Ragged, greater: NDArray[np.int64], tied: NDArray[np.int64]) -> None:
    """Write the standing of the wanted documents into `greater` and `tied`, one entry each."""
    rows, sizes = wanted.rows, wanted.sizes
    if not block.positions.size:
        return
    if sizes.max(initial=0) > FEW:
        _count_many(block, rows, wanted.positions, greater, tied)
        return
    for i in range(int(sizes.max(initial=0))):
        row = np.flatnonzero(sizes > i)
        entry = wanted.offsets[:-1][row] + i
        some = slice(None) if len(row) == len(sizes) else row
        scores, same = block.scores[some], block.positions[some] == wanted.positions[entry][:, None]
        place = same.argmax(axis=1)
        each = np.arange(len(row))
        found = same[each, place]
        target = scores[each, place][:, None]
        greater[entry] = np.where(found, _sums(scores > target), -1)
        tied[entry] = np.where(found, _sums(scores == target), 0)


def _sums(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    return mask.view(np.uint8).sum(axis=1, dtype=np.uint32).astype(np.int64)


def _count_many(
    block: _Block,
    rows: NDArray[np.int64],
    positions: NDArray[np.int32],
    greater: NDArray[np.int64],
    tied: NDArray[np.int64],
) -> None:
    """For many documents a query: sort each list by position and by score, and search."""
    width = block.scores.shape[1]
    keys = np.sort((block.positions.astype(np.int64) << 32) + np.arange(width), axis=1)  # position, column
    place = _search(keys, rows, positions.astype(np.int64) << 32)
    key = keys[rows, np.minimum(place, width - 1)]
    found = key >> 32 == positions
    target = block.scores[rows, key & 0xFFFFFFFF]
    ordered = np.sort(block.scores, axis=1)
    low, high = _search(ordered, rows, target), _search(ordered, rows, target, after=True)
    greater[:] = np.where(found, width - high, -1)
    tied[:] = np.where(found, high - low, 0)


def _search(
    ordered: Array | NDArray[np.int64], rows: NDArray[np.int64], values: Array | NDArray[np.int64], after: bool = False
) -> NDArray[np.int64]:
    """`np.searchsorted` of each value in its own row, `after` equal ones or before them: bisection, all at once."""
    low, high = np.zeros(len(rows), np.int64), np.full(len(rows), ordered.shape[1])
    for _ in range(ordered.shape[1].bit_length()):
        middle = (low + high) // 2
        here = ordered[rows, np.minimum(middle, ordered.shape[1] - 1)]
        right = ((here <= values) if after else (here < values)) & (middle < high)
        low, high = np.where(right, middle + 1, low), np.where(right, high, middle)
    return low


@dataclass(frozen=True)
class _Names:
    """Says which entries of a run are at fault."""

    run: Ragged
    query_ids: Sequence[str] | None
    document_ids: Sequence[str] | None

    def refuse_infinite(self, scores: Array, rows: slice) -> None:
        if not np.isfinite(scores[self.run.offsets[rows.start] : self.run.offsets[rows.stop]]).all():
            entries = np.flatnonzero(~np.isfinite(scores))
            queries = np.searchsorted(self.run.offsets, entries[:10], "right") - 1
            pairs = zip(queries.tolist(), self.run.positions[entries[:10]].tolist(), strict=True)
            raise InputError(f"NaN or infinite scores in {len(entries):,} places: {self._texts(list(pairs))}")

    def refuse_twice(self, block: _Block, rows: slice) -> None:
        ordered = np.sort(block.positions, axis=1)
        if (ordered[:, 1:] == ordered[:, :-1]).any():
            bad = []
            for query in range(rows.start, len(self.run)):
                values, counts = np.unique(self.run[query], return_counts=True)
                bad += [(query, document) for document in values[counts > 1].tolist()]
            raise InputError(f"a document twice in the run, in {len(bad):,} places: {self._texts(bad[:10])}")

    def _texts(self, pairs: list[tuple[int, int]]) -> str:
        return ", ".join(
            f"query {query if self.query_ids is None else self.query_ids[query]}"
            f" document {document if self.document_ids is None else self.document_ids[document]}"
            for query, document in pairs
        )
