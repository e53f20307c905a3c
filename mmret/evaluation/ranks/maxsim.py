"""Late interaction: the score of two sets of vectors, float32 products first, close calls exact."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...vectors import VectorSets
from .exact import FLOAT64, exact_dots, float32_slack, gamma
from .products import maxima
from .scorers import Block, Places, powers, scaled
from .vectors import Where, read, survey

LEFT = 1024  # query vectors and
RIGHT = 8192  # document vectors multiplied at a time: few waits of threads for each other, 32 MB of products
SMALL = 1 << 15  # products


class MaxSim:
    """Score = sum over the query's vectors v of max over the document's vectors w of v . w (a `Scorer`).

    Khattab and Zaharia, ColBERT, SIGIR 2020, eq. (3). Errors: |max_w a_w - max_w b_w| <= max_w |a_w - b_w|, so the
    maximum of inner products that err by at most e errs by at most e, and the bounds of the maxima add up.
    Raises `InputError` for NaN, infinite values, unequal dimensions and items without a vector.
    """

    def __init__(
        self,
        queries: VectorSets,
        documents: VectorSets,
        *,
        device: str = "cpu",
        query_ids: Sequence[str] | None = None,
        document_ids: Sequence[str] | None = None,
    ) -> None:
        if len(queries.vectors.shape) == 2 and queries.vectors.shape[1:] != documents.vectors.shape[1:]:
            raise InputError(
                f"queries have {queries.vectors.shape[1]} dimensions and documents {documents.vectors.shape[1]}"
            )
        _check(queries, "query", query_ids)
        _check(documents, "document", document_ids)
        left = survey(queries.vectors, "query", _name(queries, query_ids), twins=False).norms
        right = survey(documents.vectors, "document", _name(documents, document_ids))
        self.queries, self.documents = len(queries), len(documents)
        self.wide = False
        self.row_bytes = 4 * documents.vectors.shape[1] * max(1, documents.vectors.shape[0] // max(1, len(documents)))
        self.twins = _twin_sets(right.twins, documents.offsets)
        self._left, self._right, self._device = queries, documents, device
        self._vector_norms = left
        self._right_norms = _reduce(np.maximum, right.norms, documents.offsets)
        self._left_sums = _reduce(np.add, left, queries.offsets)
        self._left_shift = powers(_reduce(np.maximum, left, queries.offsets))
        self._right_shift = int(powers(self._right_norms.max(initial=0.0)))

    @property
    def _terms(self) -> int:
        return int(self._left.vectors.shape[1])

    def block(self, queries: slice) -> Callable[[Where], Block]:
        """See `Scorer.block`."""
        offsets = self._left.offsets[queries.start : queries.stop + 1]
        sizes = np.diff(offsets)
        shift = self._left_shift[queries]
        left = scaled(read(self._left.vectors, slice(offsets[0], offsets[-1])), np.repeat(shift, sizes))
        largest = maxima(left, self._device, LEFT)
        starts = offsets[:-1] - offsets[0]
        sums = np.ldexp(self._left_sums[queries], shift)

        def score(documents: Where) -> Block:
            places = np.arange(self.documents)[documents]
            top = float(np.ldexp(self._right_norms[places].max(initial=0.0), self._right_shift))
            scores = np.empty((len(sizes), len(places)))
            for some, rows, edges in self._groups(places):
                scores[:, some] = np.add.reduceat(largest(rows, edges), starts, axis=1, dtype=np.float64).T
            slack = float32_slack(self._terms, sums, top) + sizes * float32_slack(self._terms, np.zeros(1), top)
            slack += gamma(int(sizes.max(initial=0)), FLOAT64) * (sums * top + slack)
            return Block(scores, slack, shift + self._right_shift)

        return score

    def _groups(self, places: NDArray[np.int64]) -> Iterator[tuple[slice, NDArray[np.float32], list[int]]]:
        """Runs of places with about `RIGHT` vectors: (which, vectors, edges of each document's vectors)."""
        offsets = self._right.offsets
        first = 0
        while first < len(places):
            last, edges = first, [0]
            while last < len(places) and (last == first or edges[-1] < RIGHT):
                edges.append(edges[-1] + int(offsets[places[last] + 1] - offsets[places[last]]))
                last += 1
            if places[last - 1] - places[first] == last - 1 - first:
                where: Where = slice(offsets[places[first]], offsets[places[last - 1] + 1])
            else:
                where = np.concatenate([np.arange(offsets[p], offsets[p + 1]) for p in places[first:last]])
            yield slice(first, last), scaled(read(self._right.vectors, where), self._right_shift), edges
            first = last

    def pairs(self, queries: Places, documents: Places) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """See `Scorer.pairs`."""
        values = np.empty(len(queries))
        sizes = np.diff(self._left.offsets)[queries]
        order = np.argsort(documents, kind="stable")
        for run in np.split(order, np.flatnonzero(np.diff(documents[order])) + 1) if len(order) else []:
            right = self._vectors(self._right, int(documents[run[0]])).astype(np.float64)
            for some in np.array_split(run, min(len(run), -(-int(sizes[run].sum()) // LEFT))):
                left = np.concatenate([self._vectors(self._left, query) for query in queries[some].tolist()])
                best = _products(left.astype(np.float64), right).max(axis=1)
                values[some] = np.add.reduceat(best, np.cumsum(sizes[some]) - sizes[some])
        return values, self.slack(queries, documents)

    def slack(self, queries: Places, documents: Places) -> NDArray[np.float64]:
        """See `Scorer.slack`."""
        sizes = np.diff(self._left.offsets)[queries]
        terms = self._terms + int(sizes.max(initial=0))
        return gamma(terms, FLOAT64) * self._left_sums[queries] * self._right_norms[documents]

    def exact(self, queries: Places, documents: Places) -> list[int]:
        """See `Scorer.exact`."""
        return [self._exact(q, d) for q, d in zip(queries.tolist(), documents.tolist(), strict=True)]

    def _exact(self, query: int, document: int) -> int:
        """The maximum is among the vectors whose float64 product is within the error of the largest one."""
        left, right = self._vectors(self._left, query), self._vectors(self._right, document)
        products = left.astype(np.float64) @ right.astype(np.float64).T
        norms = self._vector_norms[self._left.offsets[query] : self._left.offsets[query + 1]]
        reach = 2.001 * gamma(self._terms, FLOAT64) * norms * self._right_norms[document]
        rows, columns = np.nonzero(products >= (products.max(axis=1) - reach)[:, None])
        best: dict[int, int] = {}
        for start in range(0, len(rows), RIGHT):
            some = slice(start, start + RIGHT)
            dots = exact_dots(left[rows[some]], right[columns[some]])
            for row, value in zip(rows[some].tolist(), dots, strict=True):
                best[row] = max(value, best.get(row, value))
        return sum(best.values())

    @staticmethod
    def _vectors(sets: VectorSets, item: int) -> NDArray[np.float32]:
        return read(sets.vectors, slice(int(sets.offsets[item]), int(sets.offsets[item + 1])))


def _products(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """All inner products; a small number one by one, because waking BLAS's threads would cost more."""
    return np.vecdot(left[:, None], right) if len(left) * len(right) <= SMALL else left @ right.T


def _check(sets: VectorSets, side: str, ids: Sequence[str] | None) -> None:
    sizes = np.diff(sets.offsets)
    if len(sets.offsets) == 0 or sets.offsets[0] != 0 or sets.offsets[-1] != sets.vectors.shape[0] or (sizes < 0).any():
        raise InputError(f"the {side} offsets do not cut {sets.vectors.shape[0]:,} vectors into sets")
    empty = np.flatnonzero(sizes == 0)
    if len(empty):
        names = ", ".join(str(i if ids is None else ids[i]) for i in empty[:10].tolist())
        raise InputError(f"{len(empty):,} {side} items without a vector: {names}")


def _name(sets: VectorSets, ids: Sequence[str] | None) -> Callable[[int], str]:
    """What to call a single vector: its item, and its place among the item's vectors."""

    def name(row: int) -> str:
        item = int(np.searchsorted(sets.offsets, row, "right")) - 1
        return f"{item if ids is None else ids[item]} (vector {row - int(sets.offsets[item])})"

    return name


def _reduce(operation: np.ufunc, values: NDArray[np.float64], offsets: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.asarray(operation.reduceat(values, offsets[:-1]) if len(offsets) > 1 else np.zeros(0), np.float64)


def _twin_sets(twins: NDArray[np.int32], offsets: NDArray[np.int64]) -> NDArray[np.int32]:
    """Sets are twins when their vectors are, one by one."""
    first: dict[bytes, int] = {}
    sets = [first.setdefault(twins[a:b].tobytes(), i) for i, (a, b) in enumerate(pairwise(offsets))]
    return np.array(sets, np.int32)
