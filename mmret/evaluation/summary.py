"""Counts to what people read: measures for each protocol and slice, with bounds over ties, intervals and chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..benchmarks import Benchmark
from ..encoders import Vectors
from .frames import RANKS
from .measures import Measure, Values
from .protocols import protocols_of
from .ranks import MAX_BYTES, Counts
from .scoring import Standing, source_wins, standings
from .statistics import Aggregate, figure, interval

ALL = "all"
MEASURES = ("R@1", "R@3", "R@5", "R@10", "MRR", "MedR")
TABLE_MEASURES = ("R@1", "R@5", "R@10", "R@50", "Success@10", "nDCG@5", "nDCG@10", "MRR@5")


def usual_measures(benchmark: Benchmark) -> tuple[str, ...]:
    """What people report on such a benchmark: of tables, what the papers of TaR-ViR and NQ-TABLES do."""
    return TABLE_MEASURES if benchmark.view else MEASURES


@dataclass(frozen=True)
class Summary:
    """One protocol, summarised.

    Parameters
    ----------
    scores: `{slice: {"n": int, measure: {"value", "optimistic", "pessimistic", "low", "high", "random"}}}`.
    ties: share of queries whose best right document ties with another candidate.
    per_query: one row a query.
    """

    scores: dict[str, Any]
    ties: float
    per_query: pd.DataFrame


def score_vectors(
    benchmark: Benchmark,
    queries: Vectors,
    documents: Vectors,
    *,
    protocols: Sequence[str] | None = None,
    measures: Sequence[str] = MEASURES,
    seed: int = 0,
    max_bytes: int = MAX_BYTES,
) -> dict[str, Summary]:
    """Score ready vectors under each protocol.

    Parameters
    ----------
    queries, documents: in the order of the benchmark; float32 `(n, d)` and `(N, d)`, compared by inner product, or
        sets of vectors, compared by MaxSim.
    protocols: names; None for all that a benchmark is usually reported under.
    measures: names such as "nDCG@10".
    seed: of the intervals.
    max_bytes: budget for blocks of scores.

    Raises `InputError` for unknown names and for NaN or infinity in the vectors.
    """
    found = standings(benchmark, protocols_of(benchmark, protocols), queries, documents, max_bytes)
    return summaries_of(benchmark, found, measures, seed)


def summaries_of(
    benchmark: Benchmark, found: Mapping[str, Standing], measures: Sequence[str], seed: int
) -> dict[str, Summary]:
    """Summarise each protocol's standing; `measures` are names."""
    parsed = [Measure.parse(name) for name in measures]
    return {protocol: summarise(benchmark, protocol, one, parsed, seed) for protocol, one in found.items()}


def summarise(benchmark: Benchmark, protocol: str, found: Standing, measures: Sequence[Measure], seed: int) -> Summary:
    """Evaluate the measures, and how the source disturbs, for all queries and for each slice."""
    values = {str(measure): measure(found.counts) for measure in measures}
    random = {str(measure): measure(chance(found.counts)) for measure in measures}
    everything = values | source_wins(_placed(found))
    members = {ALL: np.arange(len(benchmark.queries)), **benchmark.slices}
    scores = scores_of(everything, random, members, _clusters(benchmark), seed)
    greater, tied = best_of(found.counts)
    per_query = pd.DataFrame(
        {
            "protocol": protocol,
            "query": [item.id for item in benchmark.queries],
            "candidates": found.counts.candidates,
            "greater": greater,
            "tied": tied,
            "cluster": _names(benchmark),
            **{name: value.expected for name, value in everything.items()},
        }
    )
    return Summary(scores, float((tied > 1).mean()), per_query)


def chance(counts: Counts) -> Counts:
    """The counts of a scorer that ties everything: their expected values are those of a random order."""
    zeros = np.zeros_like(counts.greater)
    return Counts(counts.query, counts.gain, zeros, counts.candidates[counts.query], counts.candidates)


def scores_of(
    values: Mapping[str, Values],
    random: Mapping[str, Values],
    members: Mapping[str, NDArray[np.int64]],
    clusters: NDArray[np.int64] | None,
    seed: int,
) -> dict[str, Any]:
    """`{label: {"n": int, measure: {"value", …}}}` for the queries of each label; `random`: by chance."""
    return {
        label: {"n": len(rows)}
        | {
            name: entry
            for name, value in values.items()
            if (entry := _entry(value, random.get(name), rows, clusters, name, seed))
        }
        for label, rows in members.items()
    }


def _entry(
    value: Values,
    random: Values | None,
    rows: NDArray[np.int64],
    clusters: NDArray[np.int64] | None,
    name: str,
    seed: int,
) -> Mapping[str, float]:
    """The measure `name` for the queries `rows`; nothing when none of them has a value."""
    known = rows[~np.isnan(value.expected[rows])]
    if not len(known):
        return {}
    aggregate: Aggregate = "median" if name.endswith("MedR") else "mean"
    labels = None if clusters is None else clusters[known]
    low, high = interval(value.expected[known], labels, aggregate=aggregate, shares=name not in RANKS, seed=seed)
    figures = {"value": value.expected, "optimistic": value.optimistic, "pessimistic": value.pessimistic}
    if random is not None:
        figures["random"] = random.expected
    entry = {key: figure(each[known], aggregate) for key, each in figures.items()}
    return entry | {"low": low, "high": high}


def _clusters(benchmark: Benchmark) -> NDArray[np.int64] | None:
    """Queries made from one source stand or fall together; None where no query has a source."""
    if benchmark.source is None:
        return None
    alone = len(benchmark.documents) + np.arange(len(benchmark.queries))
    return np.where(benchmark.source >= 0, benchmark.source, alone).astype(np.int64)


def _names(benchmark: Benchmark) -> list[str]:
    """For each query the id of its source, or its own id: queries with equal names are not independent."""
    if benchmark.source is None:
        return [item.id for item in benchmark.queries]
    ids = [item.id for item in benchmark.documents]
    taken = set(ids)
    alone = [f"query {item.id}" if item.id in taken else item.id for item in benchmark.queries]
    return [ids[s] if s >= 0 else name for s, name in zip(benchmark.source.tolist(), alone, strict=True)]


def best_of(counts: Counts) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """`greater` and `tied` of each query's best right document, int64 `(queries,)`; -1 and 0 where none is listed."""
    order = np.lexsort((counts.greater, counts.tied == 0, counts.query))
    first = order[np.searchsorted(counts.query[order], np.arange(len(counts.candidates)))]
    return counts.greater[first], counts.tied[first]


def _placed(found: Standing) -> Standing:
    """What a run does not list, placed behind all that it lists: the source, and behind it right documents."""

    def behind(counts: Counts, places: int) -> Counts:
        last = counts.candidates[counts.query] + places
        greater = np.where(counts.tied > 0, counts.greater, last)
        return Counts(counts.query, counts.gain, greater, np.maximum(counts.tied, 1), counts.candidates)

    return found if found.source is None else Standing(behind(found.counts, 1), behind(found.source, 0))
