"""True scores, rounded once to float32: the same on every machine, device and block size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...benchmarks.ragged import Ragged
from ...vectors import Rows, VectorSets, offsets_of
from .candidates import Candidates, Tile
from .exact import to_float32
from .kinds import scorer_of
from .scorers import Places, Scorer
from .sweep import MAX_BYTES, Score, sweep


def gallery_scores(
    queries: Rows | VectorSets,
    documents: Rows | VectorSets,
    gallery: Ragged | None = None,
    *,
    max_bytes: int = MAX_BYTES,
    query_ids: Sequence[str] | None = None,
    document_ids: Sequence[str] | None = None,
) -> NDArray[np.float32]:
    """Scores of all candidates, one query after the other, in the order of its gallery (of the documents without one).

    Costs a float64 product, two to three times a float32 one, and one exact sum in about two thousand scores. Two true
    scores that differ by less than float32 can say are equal here and not in `counting.count`.
    """
    scorer = scorer_of(queries, documents, wide=True, query_ids=query_ids, document_ids=document_ids)
    scores = Scores(scorer, gallery, query_ids)
    sweep(scorer, [scores], max_bytes)
    return scores.found


class Scores:
    """What `gallery_scores` wants of a pass (an `Aim`); `found` float32 is filled by it."""

    def __init__(self, scorer: Scorer, gallery: Ragged | None, query_ids: Sequence[str] | None = None) -> None:
        self.probes: Ragged | None = None
        self.candidates = Candidates(gallery, scorer.queries, scorer.documents, query_ids, entries=True)
        self._scorer = scorer
        self._edges = offsets_of(self.candidates.sizes)
        self.found = np.empty(self._edges[-1], np.float32)

    def open(self, block: slice) -> _Rounding:
        """See `Aim.open`."""
        return _Rounding(self._scorer, block, self.found[self._edges[block.start] : self._edges[block.stop]])


class _Rounding:
    """A block of queries; `found` holds the scores of their lists."""

    def __init__(self, scorer: Scorer, block: slice, found: NDArray[np.float32]) -> None:
        self.scorer, self.found = scorer, found
        self.start, self.rows = block.start, block.stop - block.start

    def add(self, tile: Tile, score: Score) -> None:
        """See `Part.add`."""
        block = score(tile) if self.scorer.wide else None
        assert tile.entries is not None, "the candidates were asked for entries"
        width, size = len(tile.documents), len(self.found) // max(1, self.rows)
        for part, some in tile.chunks(self.rows):
            if tile.listed is None or some is None:
                row, column = (one.ravel() for one in np.mgrid[part, :width])
                place = row * size + tile.entries[column]
            else:
                row, column = np.divmod(tile.listed[some], width)
                place = tile.entries[some]
            query, document = self.start + row, tile.documents[column]
            if block is None:
                values, bounds = self.scorer.pairs(query, document)
            else:
                values, bounds = block.scores[row, column].astype(np.float64, copy=False), block.slack[row]
            self.found[place] = rounded(self.scorer, query, document, values, bounds)

    def close(self) -> None:
        """See `Part.close`."""


def rounded(
    scorer: Scorer,
    queries: Places,
    documents: Places,
    values: NDArray[np.float64],
    bounds: NDArray[np.float64],
) -> NDArray[np.float32]:
    """True scores of the pairs `(m,)` rounded to float32, from float64 values with error bounds.

    Rounding keeps order, so where both ends of the error round to one number, the truth does.
    """
    result, unsure = _round(values, bounds)
    if len(unsure):
        bounds = scorer.slack(queries[unsure], documents[unsure])
        result[unsure], still = _round(values[unsure], bounds)
        unsure = unsure[still]
        result[unsure] = to_float32(scorer.exact(queries[unsure], documents[unsure]))
    return result + np.float32(0)  # no negative zero


def _round(values: NDArray[np.float64], bounds: NDArray[np.float64]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    with np.errstate(over="ignore", under="ignore"):
        low, high = (values - 1.001 * bounds).astype(np.float32), (values + 1.001 * bounds).astype(np.float32)
    return low, np.flatnonzero(low != high)
