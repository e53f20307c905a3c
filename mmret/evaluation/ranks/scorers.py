"""How a query scores a document, in three strengths: a fast block with an error bound, float64 pairs, exact pairs.

A scorer knows nothing of galleries, positives or ranks; `counting` and `selection` know nothing of vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...vectors import Rows
from .exact import FLOAT64, exact_dots, float32_slack, gamma
from .products import product
from .vectors import Where, read, survey

PAIR_BYTES = 1 << 19  # of vectors gathered at a time for single pairs: what a core's cache holds, widened to float64
DENSE_BYTES = 1 << 23  # of documents widened at a time for a float64 product
Places = NDArray[np.integer]


class Block(NamedTuple):
    """Approximate scores of a block of queries with some documents.

    `scores` `(b, t)` float32 or float64: within `slack` `(b,)` of the true score times 2**`shift` `(b,)`.
    The next block may overwrite `scores`.
    """

    scores: NDArray[np.floating]
    slack: NDArray[np.float64]
    shift: NDArray[np.int64]


class Scorer(Protocol):
    """Scores of all queries with all documents."""

    queries: int
    documents: int
    wide: bool  # whether blocks are float64 products, whose error bound is that of `pairs`
    row_bytes: int  # of one document as it is multiplied in a block
    twins: NDArray[np.int32]  # `(documents,)` the first document with the very same vectors, bit for bit

    def block(self, queries: slice) -> Callable[[Where], Block]:
        """Prepare some queries; the function returned scores them with some documents."""

    def pairs(self, queries: Places, documents: Places) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Float64 scores of the pairs `(m,)` and their error bounds `(m,)`."""

    def slack(self, queries: Places, documents: Places) -> NDArray[np.float64]:
        """Error bounds `(m,)` of `pairs` that cost more and are tighter: 0 where the float64 score is exact."""

    def exact(self, queries: Places, documents: Places) -> list[int]:
        """The true scores of the pairs, in units of 2**-298."""


def powers(norms: NDArray[np.float64]) -> NDArray[np.int64]:
    """Exponents that bring extreme norms near 1; 0 for ordinary ones, so that these are not copied."""
    exponents = -np.frexp(norms)[1].astype(np.int64)
    return np.where((np.abs(exponents) <= 40) | (norms == 0), 0, exponents)


def scaled(rows: NDArray[np.float32], shift: NDArray[np.int64] | int) -> NDArray[np.float32]:
    """Rows times 2**shift; what underflows is covered by `float32_slack`."""
    shift = np.asarray(shift)
    if not shift.any():
        return rows
    with np.errstate(under="ignore"):
        return np.ldexp(rows, shift[:, None] if shift.ndim else shift)


class Dot:
    """Score = inner product of one vector a query and one a document, float32 or narrower (see `Rows`).

    `wide` multiplies blocks in float64, which costs twice as much and leaves hardly a call close.
    Raises `InputError` for NaN, infinite values and unequal dimensions.
    """

    def __init__(
        self,
        queries: Rows,
        documents: Rows,
        *,
        device: str = "cpu",
        wide: bool = False,
        query_ids: Sequence[str] | None = None,
        document_ids: Sequence[str] | None = None,
    ) -> None:
        if len(queries.shape) == len(documents.shape) == 2 and queries.shape[1] != documents.shape[1]:
            raise InputError(f"queries have {queries.shape[1]} dimensions and documents {documents.shape[1]}")
        left = survey(queries, "query", query_ids.__getitem__ if query_ids else str, twins=False)
        right = survey(documents, "document", document_ids.__getitem__ if document_ids else str)
        self.queries, self.documents = len(left.norms), len(right.norms)
        self.wide, self._terms = wide, int(documents.shape[1])
        self.row_bytes = (8 if wide else 4) * self._terms
        self.twins = right.twins
        self._left, self._right = queries, documents
        self._left_norms, self._right_norms = left.norms, right.norms
        self._left_shift, self._right_shift = powers(left.norms), int(powers(right.norms.max(initial=0.0)))
        self._device = device

    def block(self, queries: slice) -> Callable[[Where], Block]:
        """See `Scorer.block`."""
        if self.wide:
            return self._wide_block(queries)
        shift = self._left_shift[queries]
        multiply = product(scaled(read(self._left, queries), shift), self._device)
        norms = np.ldexp(self._left_norms[queries], shift)

        def score(documents: Where) -> Block:
            rows = scaled(read(self._right, documents), self._right_shift)
            top = float(np.ldexp(self._right_norms[documents].max(initial=0.0), self._right_shift))
            return Block(multiply(rows), float32_slack(rows.shape[1], norms, top), shift + self._right_shift)

        return score

    def _wide_block(self, queries: slice) -> Callable[[Where], Block]:
        """No product of float32 numbers leaves the range of float64, so nothing is shifted."""
        multiply = product(self._wide(self._left, queries), self._device)
        norms = self._left_norms[queries]

        def score(documents: Where) -> Block:
            slack = self._gamma * norms * self._right_norms[documents].max(initial=0.0)
            return Block(multiply(self._wide(self._right, documents)), slack, np.zeros(len(norms), np.int64))

        return score

    def pairs(self, queries: Places, documents: Places) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """See `Scorer.pairs`."""
        bounds = self._left_norms[queries] * self._right_norms[documents]
        return self._either(queries, documents), self._gamma * bounds

    def slack(self, queries: Places, documents: Places) -> NDArray[np.float64]:
        """See `Scorer.slack`."""
        return self._gamma * self._either(queries, documents, absolute=True)

    def exact(self, queries: Places, documents: Places) -> list[int]:
        """See `Scorer.exact`."""
        totals: list[int] = []
        step = self._step
        for start in range(0, len(queries), step):
            some = slice(start, start + step)
            totals += exact_dots(read(self._left, queries[some]), read(self._right, documents[some]))
        return totals

    @property
    def _gamma(self) -> float:
        return gamma(self._terms, FLOAT64)

    @property
    def _step(self) -> int:
        return max(1, PAIR_BYTES // (8 * self._terms))

    def _either(self, queries: Places, documents: Places, *, absolute: bool = False) -> NDArray[np.float64]:
        """Scores of pairs: one by one, or, where they fill much of a block, from the product of the block."""
        if len(queries) > 1024:
            left, i = _distinct(queries, self.queries)
            right, j = _distinct(documents, self.documents)
            if 32 * len(queries) > len(left) * len(right):
                return self._product(left, right, absolute=absolute)[i, j]
        values = np.empty(len(queries))
        for start in range(0, len(queries), self._step):
            some = slice(start, start + self._step)
            left64, right64 = self._wide(self._left, queries[some]), self._wide(self._right, documents[some])
            if absolute:
                left64, right64 = np.abs(left64), np.abs(right64)
            values[some] = np.vecdot(left64, right64)
        return values

    def _product(self, queries: Places, documents: Places, *, absolute: bool = False) -> NDArray[np.float64]:
        values = np.empty((len(queries), len(documents)))
        left64 = self._wide(self._left, queries)
        if absolute:
            left64 = np.abs(left64)
        step = max(1, DENSE_BYTES // (4 * self._terms))
        for start in range(0, len(documents), step):
            some = slice(start, start + step)
            right64 = self._wide(self._right, documents[some])
            values[:, some] = left64 @ (np.abs(right64) if absolute else right64).T
        return values

    @staticmethod
    def _wide(matrix: Rows, where: Where) -> NDArray[np.float64]:
        return read(matrix, where).astype(np.float64)


def _distinct(places: Places, count: int) -> tuple[Places, Places]:
    """`np.unique` with inverse, without sorting, for numbers below `count`."""
    seen = np.zeros(count, bool)
    seen[places] = True
    return np.flatnonzero(seen), (np.cumsum(seen) - 1)[places]
