"""The best documents of each query with their scores, for people and for runs that cannot hold all.

Scores are the true ones, rounded once to float32, and orders are those of the true scores, so that both are the same on
every machine, device and block size.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...benchmarks.ragged import Ragged
from ...errors import InputError
from ...vectors import Rows, VectorSets
from .candidates import Candidates, Tile
from .exact import GRID
from .kinds import scorer_of
from .rounding import rounded
from .scorers import Block, Places, Scorer
from .sweep import MAX_BYTES, Score, sweep


def top_k(
    queries: Rows | VectorSets,
    documents: Rows | VectorSets,
    k: int,
    *,
    gallery: Ragged | None = None,
    max_bytes: int = MAX_BYTES,
    device: str = "cpu",
    query_ids: Sequence[str] | None = None,
    document_ids: Sequence[str] | None = None,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The `k` best candidates of each query by their true scores; ties by position.

    Parameters as in `counting.count`. Returns positions int32 `(n, k)` and scores float32 `(n, k)`, best first; where
    a query has fewer candidates, the rest is -1 and -inf.
    """
    if k < 1:
        raise InputError(f"k must be at least 1, not {k}")
    scorer = scorer_of(queries, documents, device=device, query_ids=query_ids, document_ids=document_ids)
    best = Best(scorer, k, gallery, query_ids)
    sweep(scorer, [best], max_bytes)
    return best.positions, best.scores


class Best:
    """What `top_k` wants of a pass (an `Aim`); `positions` and `scores` are filled by it."""

    def __init__(
        self, scorer: Scorer, k: int, gallery: Ragged | None = None, query_ids: Sequence[str] | None = None
    ) -> None:
        self.probes: Ragged | None = None
        self.candidates = Candidates(gallery, scorer.queries, scorer.documents, query_ids)
        self.positions = np.full((scorer.queries, k), -1, np.int32)
        self.scores = np.full((scorer.queries, k), -np.inf, np.float32)
        self._scorer = scorer

    def open(self, block: slice) -> _Best:
        """See `Aim.open`."""
        return _Best(self._scorer, block.start, self.positions[block], self.scores[block])


class _Best:
    """The best `k` of a block so far: positions (-1 = none yet), float64 values and bounds, each `(rows, k)`."""

    def __init__(self, scorer: Scorer, start: int, positions: NDArray[np.int32], scores: NDArray[np.float32]) -> None:
        self.scorer, self.start, self.k = scorer, start, positions.shape[1]
        self.positions, self.scores = positions, scores
        self.values, self.bounds = np.full(positions.shape, -np.inf), np.zeros(positions.shape)

    def add(self, tile: Tile, score: Score) -> None:
        """See `Part.add`."""
        approximate = score(tile)
        for part, some in tile.chunks(len(self.positions), self.k):
            close = tile.within(part, some)
            if approximate is not None:
                close = self._promising(approximate, part, close)
            if close is not None:
                row, column = np.divmod(close, len(tile.documents))
                self._merge(part, row, tile.documents[column])

    def close(self) -> None:
        """See `Part.close`."""
        row, place = np.nonzero(self.positions >= 0)
        found = (row, place)
        self.scores[found] = rounded(
            self.scorer, self.start + row, self.positions[found], self.values[found], self.bounds[found]
        )

    def _promising(self, block: Block, part: slice, listed: NDArray[np.integer] | None) -> NDArray[np.int64]:
        """Pairs that may be among the best: not below the k-th best, of before or of this tile, by more than the error.

        k documents have true scores of at least the k-th approximate score less the error, so what is approximated
        lower than that by more than another error is worse than all of them.
        """
        scores, slack = block.scores[part], block.slack[part]
        if listed is not None:
            there = np.full(scores.size, -np.inf, scores.dtype)
            there[listed] = scores.ravel()[listed]
            scores = there.reshape(scores.shape)
        with np.errstate(invalid="ignore"):
            low = np.ldexp(self.values[part, -1] - 1.001 * self.bounds[part, -1], block.shift[part]) - slack
        if np.isneginf(low).any() and scores.shape[1] > self.k:
            kth = np.partition(scores, -self.k, axis=1)[:, -self.k].astype(np.float64)
            low = np.maximum(low, kth - 2.001 * slack)
        low = np.nextafter(low.astype(scores.dtype), scores.dtype.type(-np.inf))
        close = scores >= low[:, None]
        close &= scores > -np.inf
        return np.flatnonzero(close)

    def _merge(self, part: slice, row: NDArray[np.integer], document: NDArray[np.int64]) -> None:
        twins, last = self.scorer.twins, self.positions[part, -1]
        new = (last[row] < 0) | (twins[document] != twins[last[row]])  # a later copy of the k-th best cannot enter
        row, document = row[new], document[new]
        if not len(row):
            return
        value, bound = self.scorer.pairs(self.start + part.start + row, document)
        kept, place = np.nonzero(self.positions[part] >= 0)
        row = np.concatenate([kept, row])
        document = np.concatenate([self.positions[part][kept, place], document])
        value = np.concatenate([self.values[part][kept, place], value])
        bound = np.concatenate([self.bounds[part][kept, place], bound])
        order = _order(self.scorer, row, self.start + part.start + row, document, value, bound)
        row, document, value, bound = row[order], document[order], value[order], bound[order]
        place = np.arange(len(row)) - np.searchsorted(row, row)
        some = place < self.k
        where = (part.start + row[some], place[some])
        self.positions[where], self.values[where], self.bounds[where] = document[some], value[some], bound[some]


def _order(
    scorer: Scorer,
    row: NDArray[np.integer],
    query: NDArray[np.integer],
    document: NDArray[np.int64],
    value: NDArray[np.float64],
    bound: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Sort by row, then true score (best first), then position.

    Sorted by float64 values, neighbours closer than twice the largest error in their row are joined to a cluster;
    within a cluster the exact scores decide, which are the same for all copies of a vector.
    """
    order = np.lexsort((-value, row))
    first, second = order[:-1], order[1:]
    error = np.zeros(int(row.max()) + 1)
    np.maximum.at(error, row, bound)
    joined = (row[first] == row[second]) & (value[first] - value[second] <= 2.001 * error[row[first]])
    cluster = np.empty(len(order), np.int64)
    cluster[order] = np.concatenate([[0], np.cumsum(~joined)])
    members = np.flatnonzero(np.bincount(cluster)[cluster] > 1)
    twin = scorer.twins[document[members]]
    kinds, of = np.unique(np.stack([cluster[members], twin], axis=1), axis=0, return_inverse=True)
    mixed = (np.bincount(kinds[:, 0], minlength=1) > 1)[kinds[:, 0]] if len(kinds) else np.zeros(0, bool)
    level = np.zeros(len(order), np.int64)
    if mixed.any():
        example = np.empty(len(kinds), np.int64)
        example[of.ravel()] = members
        some = example[mixed]
        values = _exact(scorer, query[some], document[some], value[some])
        levels = {one: i for i, one in enumerate(sorted(set(values), reverse=True))}
        of_kind = np.zeros(len(kinds), np.int64)
        of_kind[mixed] = [levels[one] for one in values]
        level[members] = of_kind[of.ravel()]
    return np.lexsort((document, level, cluster))


def _exact(scorer: Scorer, query: Places, document: Places, value: NDArray[np.float64]) -> list[int]:
    """True scores in units of 2**-298; float64 values without error (sparse vectors apart, say) as they are."""
    values = [int(one) for one in np.ldexp(value, GRID).tolist()]
    unsure = np.flatnonzero(scorer.slack(query, document) > 0)
    for i, one in zip(unsure.tolist(), scorer.exact(query[unsure], document[unsure]), strict=True):
        values[i] = one
    return values
