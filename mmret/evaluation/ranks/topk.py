"""The best documents of each query with their scores, and the scores of whole galleries, for people and run files.

Scores are the true ones, rounded once to float32, and orders are those of the true scores, so that both are the same on
every machine, device and block size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ...benchmarks.ragged import Ragged
from ...errors import InputError
from ...vectors import Rows, VectorSets
from .candidates import Candidates, Tile
from .counting import CHUNK, MAX_BYTES, tiling
from .exact import GRID, to_float32
from .maxsim import MaxSim
from .scorers import Block, Dot, Places, Scorer


def scorer_of(
    queries: Rows | VectorSets,
    documents: Rows | VectorSets,
    *,
    device: str = "cpu",
    query_ids: Sequence[str] | None = None,
    document_ids: Sequence[str] | None = None,
) -> Scorer:
    """Inner products for matrices, MaxSim for sets of vectors."""
    if isinstance(queries, VectorSets) and isinstance(documents, VectorSets):
        return MaxSim(queries, documents, device=device, query_ids=query_ids, document_ids=document_ids)
    if isinstance(queries, VectorSets) or isinstance(documents, VectorSets):
        raise InputError("one side has a vector an item and the other a set of vectors an item")
    return Dot(queries, documents, device=device, query_ids=query_ids, document_ids=document_ids)


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
    candidates = Candidates(gallery, scorer.queries, scorer.documents, query_ids)
    width, rows = tiling(scorer, candidates, max_bytes)
    positions = np.full((scorer.queries, k), -1, np.int32)
    scores = np.full((scorer.queries, k), -np.inf, np.float32)
    for start in range(0, scorer.queries, rows):
        block = slice(start, min(start + rows, scorer.queries))
        best = _Best(scorer, block, k)
        score = scorer.block(block)
        for tile in candidates.tiles(block, width):
            best.add(tile, None if tile.sparse(block.stop - block.start) else score(tile.where))
        found = best.positions >= 0
        positions[block] = best.positions
        query = block.start + np.nonzero(found)[0]
        scores[block][found] = rounded(scorer, query, best.positions[found], best.values[found], best.bounds[found])
    return positions, scores


def gallery_scores(
    queries: Rows | VectorSets,
    documents: Rows | VectorSets,
    gallery: Ragged | None = None,
    *,
    max_bytes: int = MAX_BYTES,
    query_ids: Sequence[str] | None = None,
    document_ids: Sequence[str] | None = None,
) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Scores of all candidates, rounded once: yields (queries, their scores one query after the other).

    The scores of a query stand in the order of its gallery (of the documents, where there is none). Costs a float64
    product, two to three times a float32 one, and one exact sum in about two thousand scores. Two true scores that
    differ by less than float32 can say are equal here and not in `counting.count`.
    """
    scorer = scorer_of(queries, documents, query_ids=query_ids, document_ids=document_ids)
    sizes = Candidates(gallery, scorer.queries, scorer.documents, query_ids).sizes
    step = int(max(1, min(256, max_bytes // (64 * max(1, int(sizes.max(initial=0)))))))
    shared = gallery is None or (len(gallery) == 1 and scorer.queries > 1)
    common: Places = np.arange(scorer.documents) if gallery is None else gallery.positions
    for start in range(0, scorer.queries, step):
        block = slice(start, min(start + step, scorer.queries))
        query = np.repeat(np.arange(block.start, block.stop), sizes[block])
        if shared or gallery is None:
            places: Places = np.tile(common, block.stop - block.start)
            values, bounds = (x.ravel() for x in scorer.dense(np.arange(block.start, block.stop), common))
        else:
            places = gallery.positions[gallery.offsets[block.start] : gallery.offsets[block.stop]]
            values, bounds = scorer.pairs(query, places)
        yield block, rounded(scorer, query, places, values, bounds)


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


class _Best:
    """The best `k` of a block so far: positions (-1 = none yet), float64 values and bounds, each `(rows, k)`."""

    def __init__(self, scorer: Scorer, block: slice, k: int) -> None:
        self.scorer, self.start, self.k = scorer, block.start, k
        shape = (block.stop - block.start, k)
        self.positions = np.full(shape, -1, np.int32)
        self.values, self.bounds = np.full(shape, -np.inf), np.zeros(shape)

    def add(self, tile: Tile, scores: Block | None) -> None:
        width = len(tile.documents)
        step = max(1, CHUNK // max(width, self.k))
        for start in range(0, len(self.positions), step):
            part = slice(start, min(start + step, len(self.positions)))
            listed = tile.listed
            if listed is not None:
                listed = listed[slice(*np.searchsorted(listed, [part.start * width, part.stop * width]))]
                listed = listed - part.start * width
            if scores is None:
                close = listed if listed is not None else np.zeros(0, np.int64)
            else:
                close = self._promising(scores, part, listed)
            row, column = np.divmod(close, width)
            self._merge(part, row, tile.documents[column])

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
