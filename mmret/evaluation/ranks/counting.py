"""Ranks by counting: how many candidates score strictly higher than a document, and how many exactly the same.

Nothing is sorted, and nothing depends on the order of documents or queries, block size, threads, BLAS or device: a
float32 product decides only where its error bound allows, and every closer call is decided as in exact arithmetic on
the stored vectors (`exact`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...benchmarks.ragged import Ragged
from ...errors import InputError, RunError
from ...vectors import Rows, VectorSets
from .candidates import Candidates, Tile, check_positions
from .maxsim import MaxSim
from .scorers import Block, Dot, Scorer
from .sweep import MAX_BYTES, Score, sweep

Standing = tuple[NDArray[np.int64], NDArray[np.int64]]


def count(
    queries: Rows,
    documents: Rows,
    probes: Ragged,
    *,
    gallery: Ragged | None = None,
    max_bytes: int = MAX_BYTES,
    device: str = "cpu",
    query_ids: Sequence[str] | None = None,
    document_ids: Sequence[str] | None = None,
) -> Standing:
    """Standing of the probes of each query among the query's candidates, by inner product.

    Parameters
    ----------
    queries, documents: `(n, d)` and `(N, d)`, float32 or narrower, read in tiles (see `vectors.Rows`).
    probes: for each query the documents whose standing is wanted; they must be candidates.
    gallery: None = all documents are candidates; of length 1 = one list for all queries; else one list a query.
    max_bytes: budget for what is allocated beside the inputs.
    device: "cpu", or more precisely "numpy" or "torch" on it, or a torch device; the result is the same.
    query_ids, document_ids: names for error messages.

    Returns
    -------
    greater, tied: int64 `(entries of probes,)`; candidates that score strictly higher, and exactly the same (itself
    included).

    Raises `InputError` for NaN and infinite vectors, unequal dimensions, empty or repeating galleries, positions out
    of range and probes outside the gallery; `RunError` if `device` multiplies with less than float32 precision.
    """
    scorer = Dot(queries, documents, device=device, query_ids=query_ids, document_ids=document_ids)
    return count_with(scorer, probes, gallery, max_bytes=max_bytes, query_ids=query_ids)


def count_maxsim(
    queries: VectorSets,
    documents: VectorSets,
    probes: Ragged,
    *,
    gallery: Ragged | None = None,
    max_bytes: int = MAX_BYTES,
    device: str = "cpu",
    query_ids: Sequence[str] | None = None,
    document_ids: Sequence[str] | None = None,
) -> Standing:
    """Like `count` for late interaction: sum over the query's vectors of the largest product with the document's."""
    scorer = MaxSim(queries, documents, device=device, query_ids=query_ids, document_ids=document_ids)
    return count_with(scorer, probes, gallery, max_bytes=max_bytes, query_ids=query_ids)


def count_with(
    scorer: Scorer,
    probes: Ragged,
    gallery: Ragged | None,
    *,
    max_bytes: int = MAX_BYTES,
    query_ids: Sequence[str] | None = None,
) -> Standing:
    """Standing of `probes` by any scorer."""
    standings = Standings(scorer, probes, gallery, query_ids)
    sweep(scorer, [standings], max_bytes)
    return standings.found()


class Standings:
    """What `count_with` wants of a pass (an `Aim`)."""

    def __init__(
        self, scorer: Scorer, probes: Ragged, gallery: Ragged | None, query_ids: Sequence[str] | None = None
    ) -> None:
        if len(probes) != scorer.queries:
            raise InputError(f"{len(probes)} lists of positives for {scorer.queries} queries")
        check_positions(probes, scorer.documents, "positives")
        self.probes: Ragged | None = probes
        self.candidates = Candidates(gallery, scorer.queries, scorer.documents, query_ids)
        self._scorer, self._all = scorer, probes
        self._greater, self._tied = np.zeros((2, len(probes.positions)), np.int64)

    def open(self, block: slice) -> _Contest:
        """See `Aim.open`."""
        return _Contest(self._scorer, self._all, block, self._greater, self._tied)

    def found(self) -> Standing:
        """As of `count`, once the pass is over."""
        if (self._tied < 1).any():  # a document always ties with itself, unless the product broke its error bound
            raise RunError("scores are less exact than float32 allows: does the device multiply in TF32 or bfloat16?")
        return self._greater, self._tied


class _Contest:
    """The probes of one block of queries against its candidates; adds to `greater` and `tied` of all entries."""

    def __init__(
        self, scorer: Scorer, probes: Ragged, block: slice, greater: NDArray[np.int64], tied: NDArray[np.int64]
    ) -> None:
        self.scorer, self.probes, self.block, self.greater, self.tied = scorer, probes, block, greater, tied
        self.offsets = probes.offsets[block.start : block.stop + 1]
        sizes = np.diff(self.offsets)
        self.first = int(self.offsets[0])
        self.documents = probes.positions[self.first : self.offsets[-1]]
        self.query = block.start + np.repeat(np.arange(len(sizes)), sizes)
        self.value, self.bound = scorer.pairs(self.query, self.documents)
        self.rounds = np.full((int(sizes.max(initial=0)), len(sizes)), -1)  # entry of each row's first, second, … probe
        entries = np.arange(len(self.query))
        self.rounds[entries - np.repeat(self.offsets[:-1] - self.first, sizes), self.query - block.start] = entries

    def add(self, tile: Tile, score: Score) -> None:
        """See `Part.add`."""
        if not len(self.rounds):
            return  # no probes: only the gallery was to be checked
        approximate = score(tile)
        for part, some in tile.chunks(self.block.stop - self.block.start):
            listed = tile.within(part, some)
            for entries in self.rounds[:, part]:
                if (entries >= 0).any():
                    close = listed if approximate is None else self._filter(approximate, part, entries, listed)
                    self._decide(tile, close, entries)

    def close(self) -> None:
        """See `Part.close`; what was found is in the counts already."""

    def _filter(
        self, block: Block, part: slice, entries: NDArray[np.int64], listed: NDArray[np.integer] | None
    ) -> NDArray[np.integer] | None:
        """Count what is surely above; return the pairs within the error bound, as row of the part * t + column."""
        low, high = self._thresholds(block, part, entries)
        scores = block.scores[part]
        if listed is None:
            above = scores > high[:, None]
            counts = np.bitwise_count(np.packbits(above, axis=1)).sum(axis=1, dtype=np.uint32)
            close = np.flatnonzero(np.not_equal(scores >= low[:, None], above))
        else:
            values = scores.ravel()[listed]
            edges = np.searchsorted(listed, np.arange(len(scores) + 1) * scores.shape[1])
            sizes = np.diff(edges)
            over = values > np.repeat(high, sizes)
            counts = np.diff(np.append(0, np.cumsum(over, dtype=np.uint32))[edges])
            close = listed[np.not_equal(values >= np.repeat(low, sizes), over)]
        real = entries >= 0
        self.greater[self.first + entries[real]] += counts[real]
        return close

    def _thresholds(
        self, block: Block, part: slice, entries: NDArray[np.int64]
    ) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        """Scores below the first are surely below the probe's, above the second surely above; infinite if absent."""
        middle = np.ldexp(self.value[entries], block.shift[part])
        reach = np.ldexp(self.bound[entries], block.shift[part]) + block.slack[part]
        kind = block.scores.dtype
        low = np.nextafter((middle - reach).astype(kind), kind.type(-np.inf))
        high = np.nextafter((middle + reach).astype(kind), kind.type(np.inf))
        absent = entries < 0
        low[absent] = high[absent] = np.inf
        return low, high

    def _decide(self, tile: Tile, close: NDArray[np.integer] | None, entries: NDArray[np.int64]) -> None:
        """Exact verdict for the pairs: above, below or tied with the probe."""
        if close is None or not len(close):
            return
        row, column = np.divmod(close, len(tile.documents))
        entry, document = entries[row], tile.documents[column]
        if (entry < 0).any():
            entry, document = entry[entry >= 0], document[entry >= 0]
        sign = self._compare(entry, document)
        np.add.at(self.greater, self.first + entry[sign > 0], 1)
        np.add.at(self.tied, self.first + entry[sign == 0], 1)

    def _compare(self, entry: NDArray[np.int64], document: NDArray[np.int64]) -> NDArray[np.int8]:
        """Sign of (score of the document - score of the probe), as in exact arithmetic."""
        twins = self.scorer.twins
        sign = np.zeros(len(entry), np.int8)
        opened = np.flatnonzero(twins[document] != twins[self.documents[entry]])
        entry, document = entry[opened], document[opened]
        value, bound = self.scorer.pairs(self.query[entry], document)
        difference = value - self.value[entry]
        sign[opened] = np.sign(difference)
        open_ = np.flatnonzero(np.abs(difference) <= 1.001 * (bound + self.bound[entry]))
        if len(open_):
            opened, entry, document = opened[open_], entry[open_], document[open_]
            sign[opened] = self._compare_closely(entry, document, difference[open_])
        return sign

    def _compare_closely(
        self, entry: NDArray[np.int64], document: NDArray[np.int64], difference: NDArray[np.float64]
    ) -> NDArray[np.int8]:
        """The same for differences that are within the error bound of float64 by the norms."""
        query, probes = self.query[entry], self.documents[entry]
        bound = self.scorer.slack(query, document) + self.scorer.slack(query, probes)
        sign = np.sign(difference).astype(np.int8)
        last = np.flatnonzero((np.abs(difference) <= 1.001 * bound) & (bound > 0))
        once, again = np.unique(entry[last], return_inverse=True)
        other = self.scorer.exact(self.query[once], self.documents[once])
        for i, value, j in zip(last, self.scorer.exact(query[last], document[last]), again.tolist(), strict=True):
            sign[i] = (value > other[j]) - (value < other[j])
        return sign
