"""Vectors to scores: how each right document, and each query's own source, stands among the candidates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..benchmarks import Benchmark, Ragged
from .measures import Values
from .protocols import Protocol
from .ranks import Counts, count, without

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Standing:
    """One protocol's counts.

    Parameters
    ----------
    counts: of the right documents.
    source: of each query's own source, one entry for each query that has it among its candidates; None where none has.
    """

    counts: Counts
    source: Counts | None


def standing(
    benchmark: Benchmark,
    protocol: Protocol,
    queries: NDArray[np.float32],
    documents: NDArray[np.float32],
    max_bytes: int,
) -> Standing:
    """Count how the right documents and the sources stand under one protocol.

    Parameters
    ----------
    queries, documents: float32 `(n, d)` and `(N, d)`, in the order of the benchmark.
    """
    gallery = protocol.candidates(benchmark)
    own = _source_rows(benchmark, protocol)
    probes = _with_sources(benchmark, own)
    greater, tied = count(queries, documents, probes, gallery=gallery, max_bytes=max_bytes)
    is_source = np.zeros(len(greater), bool)
    is_source[probes.offsets[own + 1] - 1] = True  # the source is the last probe of its query
    rows = benchmark.positives.rows.astype(np.int32)
    sizes = np.full(len(probes), len(benchmark.documents)) if protocol.everything else benchmark.gallery_sizes
    counts = Counts(rows, benchmark.gains, greater[~is_source], tied[~is_source], sizes.astype(np.int64))
    if not len(own):
        return Standing(counts, None)
    source = Counts(own.astype(np.int32), np.ones(len(own)), greater[is_source], tied[is_source], counts.candidates)
    return Standing(_without_source(counts, source), None) if protocol.without_source else Standing(counts, source)


def _source_rows(benchmark: Benchmark, protocol: Protocol) -> NDArray[np.int64]:
    """The queries that have their own source among their candidates, sorted."""
    if benchmark.source is None:
        return np.zeros(0, np.int64)
    return np.flatnonzero(benchmark.source >= 0 if protocol.everything else benchmark.source_in_gallery)


def _with_sources(benchmark: Benchmark, own: NDArray[np.int64]) -> Ragged:
    """The right documents of each query, followed by its source for the queries `own`."""
    if benchmark.source is None or not len(own):
        return benchmark.positives
    positives = benchmark.positives
    positions = np.insert(positives.positions, positives.offsets[own + 1], benchmark.source[own])
    extra = np.zeros(len(positives) + 1, np.int64)
    extra[own + 1] = 1
    return Ragged(positives.offsets + extra.cumsum(), positions)


def _without_source(counts: Counts, source: Counts) -> Counts:
    """The counts once each query's source is no candidate any more."""
    place = np.full(len(counts.candidates), -1)
    place[source.query] = np.arange(len(source.query))
    has = place[counts.query] >= 0
    greater, tied, sizes = counts.greater.copy(), counts.tied.copy(), counts.candidates.copy()
    own = place[counts.query[has]]
    greater[has], tied[has] = without(greater[has], tied[has], source.greater[own], source.tied[own])
    sizes[source.query] -= 1
    return Counts(counts.query, counts.gain, greater, tied, sizes)


def source_wins(found: Standing) -> dict[str, Values]:
    """How the source disturbs: share of queries with the source at the top, and with a right document above it.

    Ties count as the chance that the source, or the right document, comes first in a random order.
    """
    source, counts = found.source, found.counts
    if source is None:
        return {}
    n = len(counts.candidates)
    best = np.full(n, np.iinfo(np.int64).max)
    np.minimum.at(best, counts.query, counts.greater)
    best, of = best[source.query], source.greater
    nan = np.full(n, np.nan)

    def values(expected: Vector, optimistic: Vector, pessimistic: Vector) -> Values:
        columns = [nan.copy() for _ in range(3)]
        for column, value in zip(columns, (expected, optimistic, pessimistic), strict=True):
            column[source.query] = value
        return Values(*columns)

    top = of == 0
    alone = source.tied == 1
    above, level = (best < of).astype(float), (best == of).astype(float)
    return {
        "source@1": values(np.where(top, 1 / source.tied, 0.0), (top & alone).astype(float), top.astype(float)),
        "target>source": values(above + level / 2, above + level, above),
    }
