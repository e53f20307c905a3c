"""Vectors to scores: how each right document, and each query's own source, stands among the candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..benchmarks import Benchmark, Ragged
from ..encoders import Vectors
from .measures import Measure, Values
from .protocols import Protocol
from .ranks import Aim, Best, Counts, Scorer, Scores, Standings, scorer_of, sweep, without


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


MOST_SCORES = 20_000_000  # kept in a run; of more, as of 1,000 queries among 170,000 tables,
DEPTH = 1000  # so many of each query are, the best; fewer documents are kept all


@dataclass(frozen=True)
class Answers:
    """What a model makes of a benchmark.

    Parameters
    ----------
    standings: by name of the protocol.
    scores: float32 under the first protocol, one query after the other: of all candidates in the order of the gallery,
        the source included, or of those in `best`.
    best: the candidates that are kept of each query where all would be too many; None where they are not.
    """

    standings: dict[str, Standing]
    scores: NDArray[np.float32]
    best: Ragged | None = None


@dataclass(frozen=True)
class Contest:
    """Who is to be counted under one protocol, and among whom."""

    benchmark: Benchmark
    protocol: Protocol

    @property
    def gallery(self) -> Ragged | None:
        """The candidates before the source is taken out; None for all documents."""
        return self.protocol.candidates(self.benchmark)

    @cached_property
    def own(self) -> NDArray[np.int64]:
        """The queries that have their own source among their candidates, sorted."""
        source = self.benchmark.source
        if source is None:
            return np.zeros(0, np.int64)
        return np.flatnonzero(source >= 0 if self.protocol.everything else self.benchmark.source_in_gallery)

    @cached_property
    def probes(self) -> Ragged:
        """The right documents of each query, followed by its source for the queries `own`."""
        positives, source = self.benchmark.positives, self.benchmark.source
        if source is None or not len(self.own):
            return positives
        positions = np.insert(positives.positions, positives.offsets[self.own + 1], source[self.own])
        extra = np.zeros(len(positives) + 1, np.int64)
        extra[self.own + 1] = 1
        return Ragged(positives.offsets + extra.cumsum(), positions)

    def standing(self, greater: NDArray[np.int64], tied: NDArray[np.int64]) -> Standing:
        """The counts of the probes, int64 `(entries of probes,)` each, told apart into right documents and sources."""
        own, probes, benchmark = self.own, self.probes, self.benchmark
        is_source = np.zeros(len(greater), bool)
        is_source[probes.offsets[own + 1] - 1] = True  # the source is the last probe of its query
        rows = benchmark.positives.rows.astype(np.int32)
        sizes = np.full(len(probes), len(benchmark.documents)) if self.protocol.everything else benchmark.gallery_sizes
        counts = Counts(rows, benchmark.gains, greater[~is_source], tied[~is_source], sizes.astype(np.int64))
        if not len(own):
            return Standing(counts, None)
        source = Counts(own.astype(np.int32), np.ones(len(own)), greater[is_source], tied[is_source], counts.candidates)
        if self.protocol.without_source:
            return Standing(_without_source(counts, source), None)
        return Standing(counts, source)


def standings(
    benchmark: Benchmark, protocols: Sequence[Protocol], queries: Vectors, documents: Vectors, max_bytes: int
) -> dict[str, Standing]:
    """Count how the right documents and the sources stand under each protocol, by its name.

    Parameters
    ----------
    queries, documents: float32 `(n, d)` and `(N, d)`, or sets of vectors, in the order of the benchmark.
    """
    return _counted(benchmark, protocols, _scorer(benchmark, queries, documents), [], max_bytes)


def too_many(benchmark: Benchmark, protocol: Protocol) -> bool:
    """Whether a run keeps the best candidates alone."""
    documents = len(benchmark.documents)
    return protocol.everything and documents > DEPTH and len(benchmark.queries) * documents > MOST_SCORES


def even(positions: NDArray[np.int32]) -> Ragged:
    """Lists of one length, given as rows int32 `(n, k)`."""
    return Ragged(np.arange(len(positions) + 1, dtype=np.int64) * positions.shape[1], positions.ravel())


def vector_answers(
    benchmark: Benchmark, protocols: Sequence[Protocol], queries: Vectors, documents: Vectors, max_bytes: int
) -> Answers:
    """The standings, and the scores rounded once from the exact value; parameters as in `standings`."""
    some = too_many(benchmark, protocols[0])
    scorer = _scorer(benchmark, queries, documents, wide=not some)
    if some:
        best = Best(scorer, DEPTH)
        found = _counted(benchmark, protocols, scorer, [best], max_bytes)
        return Answers(found, best.scores.ravel(), even(best.positions))
    scores = Scores(scorer, protocols[0].candidates(benchmark))
    found = _counted(benchmark, protocols, scorer, [scores], max_bytes)
    return Answers(found, scores.found)


def _scorer(benchmark: Benchmark, queries: Vectors, documents: Vectors, *, wide: bool = False) -> Scorer:
    return scorer_of(
        queries,
        documents,
        wide=wide,
        query_ids=[item.id for item in benchmark.queries],
        document_ids=[item.id for item in benchmark.documents],
    )


def _counted(
    benchmark: Benchmark, protocols: Sequence[Protocol], scorer: Scorer, others: Sequence[Aim], max_bytes: int
) -> dict[str, Standing]:
    """The standings by one pass over all scores, in which the `others` reach their aim as well."""
    counts: dict[bool, Standings] = {}  # with the source and without it, the same candidates are counted
    contests = {protocol.name: Contest(benchmark, protocol) for protocol in protocols}
    for one in contests.values():
        if one.protocol.everything not in counts:
            counts[one.protocol.everything] = Standings(scorer, one.probes, one.gallery)
    sweep(scorer, [*counts.values(), *others], max_bytes)
    return {name: one.standing(*counts[one.protocol.everything].found()) for name, one in contests.items()}


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
    """How the source disturbs, for the queries that have it among their candidates.

    - `source@1`: the source is at the top; `target>source`: a right document is above it. Ties count as the chance in a
      random order; that one of r right documents, level with the source, is above it is r / (r + 1).
    - `source MedR`: its rank.
    - `R@1 lost`: what R@1 gains once the source is masked.
    """
    source, counts = found.source, found.counts
    if source is None:
        return {}
    n = len(counts.candidates)
    best = np.full(n, np.iinfo(np.int64).max)
    np.minimum.at(best, counts.query, counts.greater)
    equal = np.bincount(counts.query, counts.greater == best[counts.query], n)[source.query]
    best, of = best[source.query], source.greater
    nan = np.full(n, np.nan)

    def values(expected: NDArray[Any], optimistic: NDArray[Any], pessimistic: NDArray[Any]) -> Values:
        columns = [nan.copy() for _ in range(3)]
        for column, value in zip(columns, (expected, optimistic, pessimistic), strict=True):
            column[source.query] = value
        return Values(*columns)

    top = of == 0
    alone = source.tied == 1
    above, level = (best < of).astype(float), (best == of).astype(float)
    first = Measure.parse("R@1")
    lost = (first(_without_source(counts, source)).expected - first(counts).expected)[source.query]
    return {
        "source MedR": values(of + (source.tied + 1) / 2, of + 1.0, (of + source.tied).astype(float)),
        "R@1 lost": values(lost, lost, lost),
        "source@1": values(np.where(top, 1 / source.tied, 0.0), (top & alone).astype(float), top.astype(float)),
        "target>source": values(above + level * equal / (equal + 1), above + level, above),
    }
