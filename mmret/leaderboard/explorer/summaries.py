"""What many queries say together: ranks, curves, slices, kinds of errors, and the queries that tell most."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count, pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...benchmarks import Ragged
from ...evaluation import Measure
from ...evaluation.ranks import Counts
from ...evaluation.statistics import interval
from ...evaluation.summary import ALL, chance

Floats = NDArray[np.float64]
Ints = NDArray[np.integer]

DEEPEST = 100  # place up to which curves go
KNOTS = (1, 2, 3, 4, 5, 7, 10, 14, 20, 30, 50, 70, 100)  # places at which their intervals are computed


@dataclass(frozen=True)
class Histogram:
    """How many queries have their best right document at which ranks.

    Parameters
    ----------
    labels: of the bins, such as "3–5"; the last one is "none" where a right document was not retrieved.
    ticks: the same, short: "5".
    counts: int64 `(systems, bins)`.
    """

    labels: list[str]
    ticks: list[str]
    counts: Ints


def rank_histogram(ranks: Floats) -> Histogram:
    """Count ranks, float `(systems, queries)`, in the bins 1, 2, 3–5, 6–10, 11–20, …; infinity is "none".

    A rank between two places, the mean over ties, counts for the lower one.
    """
    finite = ranks[np.isfinite(ranks)]
    rounds = (digit * 10**power for power in count() for digit in (1, 2, 5))
    edges = [0]
    while edges[-1] < finite.max(initial=1):
        edges.append(next(rounds))
    labels = [f"{high:,}" if high == low + 1 else f"{low + 1:,}–{high:,}" for low, high in pairwise(edges)]
    ticks = [f"{edge}" if edge < 1000 else f"{edge / 1000:g}k" for edge in edges[1:]]
    if len(finite) < ranks.size:
        labels, ticks = [*labels, "none"], [*ticks, "none"]
    bins = np.searchsorted(edges, ranks) - 1  # infinity lands behind the last edge
    return Histogram(labels, ticks, np.stack([np.bincount(row, minlength=len(labels)) for row in bins]))


@dataclass(frozen=True)
class Curve:
    """Share of queries with a right document among the first k, in one system.

    Parameters
    ----------
    values: float64 `(deepest,)`, for k = 1, 2, …
    places: int64 `(knots,)`, the k of the intervals.
    low, high: float64 `(knots,)`, 95 % intervals.
    """

    values: Floats
    places: Ints
    low: Floats
    high: Floats


def success_curve(optimistic: Floats, pessimistic: Floats, candidates: Ints, clusters: Ints) -> Curve:
    """Success@k, which is R@k where every query has one right document, by the evaluator's own measure and intervals.

    Parameters
    ----------
    optimistic, pessimistic: float64 `(queries,)`, first and last place of the documents that tie with the best right
        one; infinite where none was retrieved. Of several right documents that tie, one is counted.
    candidates: int64 `(queries,)`.
    clusters: int64 `(queries,)`, equal for queries that are not independent.
    """
    n, found = len(candidates), np.isfinite(optimistic)
    greater, tied = np.full(n, -1), np.zeros(n, np.int64)
    greater[found], tied[found] = optimistic[found] - 1, pessimistic[found] - optimistic[found] + 1
    hits = _hits(Counts(np.arange(n, dtype=np.int32), np.ones(n), greater, tied, np.asarray(candidates, np.int64)))
    places = [k for k in KNOTS if k < len(hits)] + [len(hits)]
    bounds = np.array([interval(hits[k - 1], clusters) for k in places])
    return Curve(np.array([hit.mean() for hit in hits]), np.array(places), bounds[:, 0], bounds[:, 1])


def chance_curve(positives: Ragged, candidates: Ints) -> Floats:
    """Success@k of a random order for k = 1, 2, …, float64 `(deepest,)`; `candidates` as for `success_curve`."""
    n, rows = len(positives.positions), positives.rows
    counts = Counts(
        rows.astype(np.int32), np.ones(n), np.zeros(n, np.int64), np.ones(n, np.int64), np.asarray(candidates, np.int64)
    )
    return np.array([hit.mean() for hit in _hits(chance(counts))])


def _hits(counts: Counts) -> list[Floats]:
    """Success@k for k = 1, 2, … of each query, float64 `(queries,)`."""
    deepest = min(DEEPEST, int(counts.candidates.max()))
    return [Measure("Success", k)(counts).expected for k in range(1, deepest + 1)]


@dataclass(frozen=True)
class HeatMap:
    """A measure in each slice and system, as the results state it.

    Parameters
    ----------
    slices: label → number of queries; "all" first.
    cells: label → for each system {"value", "low", "high", …}, None where its result has no figure.
    """

    measure: str
    slices: dict[str, int]
    cells: dict[str, list[Mapping[str, float] | None]]

    def strength(self, value: float) -> float:
        """0 for the worst figure of the map and for an infinite rank, 1 for the best."""
        values = [entry["value"] for row in self.cells.values() for entry in row if entry]
        known = [one for one in values if math.isfinite(one)]
        if not math.isfinite(value):
            return 0.0
        worst, best = (min(known), max(known))[:: 1 if Measure.parse(self.measure).higher_is_better else -1]
        return (value - worst) / (best - worst) if best != worst else 0.5


def heat_map(scores: Sequence[Mapping[str, Any]], measure: str) -> HeatMap:
    """`scores`: of each system, under one protocol, `{slice: {"n": int, measure: {"value", …}}}`."""
    slices = {label: int(entry["n"]) for one in reversed(scores) for label, entry in one.items()}
    order = sorted(slices, key=lambda label: (label != ALL, label))
    cells = {label: [one.get(label, {}).get(measure) for one in scores] for label in order}
    return HeatMap(measure, {label: slices[label] for label in order}, cells)


ERRORS = {
    "right": "a right document is first",
    "tied": "a right document ties for the first place",
    "own source": "the query's own source is first",
    "copy": "a known copy of a right document, or a near copy, is first",
    "far down": "the best right document is below a tenth of the candidates (but at least place 10, at most place 100)",
    "same slice": "first is what is right for another query of the narrowest slice",
    "other": "another document is first",
}


@dataclass(frozen=True)
class Labels:
    """What is known of a benchmark's queries and documents, for telling errors apart.

    Parameters
    ----------
    source: int `(queries,)`, the document each query was made from, -1 for none.
    narrowest: int `(queries,)`, number of the smallest slice that each query is in, -1 for none.
    positives: the right documents.
    copies: int `(pairs, 2)`, documents known to be the same or nearly.
    """

    source: Ints
    narrowest: Ints
    positives: Ragged
    copies: Ints


def narrowest_slices(queries: int, slices: Mapping[str, Ints]) -> Ints:
    """For each query the number of the smallest slice it is in, -1 for none; int64 `(queries,)`."""
    found = np.full(queries, -1)
    for number, label in sorted(enumerate(slices), key=lambda one: -len(slices[one[1]])):
        found[slices[label]] = number
    return found


def error_types(
    optimistic: Floats, pessimistic: Floats, candidates: Ints, first: Ints, labels: Labels
) -> NDArray[np.str_]:
    """The kind of each query's answer, the first key of `ERRORS` that applies; str `(queries,)`.

    Parameters
    ----------
    optimistic, pessimistic, candidates: as for `success_curve`.
    first: int `(queries,)`, the document that the system puts first, -1 where the run does not say.
    """
    known = first >= 0
    conditions = {
        "right": pessimistic == 1,
        "tied": optimistic == 1,
        "own source": known & (first == labels.source),
        "copy": known & _copies_of_right(first, labels),
        "far down": optimistic > np.clip(candidates // 10, 10, 100),
        "same slice": known & _right_in_slice(first, labels),
    }
    return np.select(list(conditions.values()), list(conditions), "other")


def _copies_of_right(first: Ints, labels: Labels) -> NDArray[np.bool_]:
    """Whether the first document is a copy of a right one."""
    copies = {(a, b) for pair in labels.copies.tolist() for a, b in (pair, pair[::-1])}
    found = np.zeros(len(first), bool)
    if copies:
        rights = zip(labels.positives.rows.tolist(), labels.positives.positions.tolist(), strict=True)
        for query, right in rights:
            found[query] |= (int(first[query]), right) in copies
    return found


def _right_in_slice(first: Ints, labels: Labels) -> NDArray[np.bool_]:
    """Whether the first document is right for a query of the same narrowest slice."""
    found = np.zeros(len(first), bool)
    slice_of_label = labels.narrowest[labels.positives.rows]
    for number in np.unique(labels.narrowest[labels.narrowest >= 0]):
        members = labels.narrowest == number
        found[members] = np.isin(first[members], labels.positives.positions[slice_of_label == number])
    return found


@dataclass(frozen=True)
class Telling:
    """A query worth looking at.

    Parameters
    ----------
    query: its position.
    why: "disagreement": the systems' ranks lie far apart; "hidden failure": the best system does far worse than it
        does on other queries of the same slice, which its figures do not show.
    factor: how many times: the worst rank over the best one; the rank over the slice's geometric mean.
    """

    query: int
    why: Literal["disagreement", "hidden failure"]
    factor: float


def telling_queries(
    ranks: Floats, candidates: Ints, best: int, narrowest: Ints, clusters: Ints, *, most: int = 20
) -> list[Telling]:
    """The most telling queries: by turns the largest disagreement and the worst hidden failure.

    Parameters
    ----------
    ranks: float64 `(systems, queries)`; a right document that was not retrieved counts as the last candidate.
    candidates: int64 `(queries,)`.
    best: the system whose failures are looked for.
    narrowest: see `narrowest_slices`.
    clusters: int64 `(queries,)`; of queries that share one, as those made from one source, one is taken.

    Queries that all systems answer alike and well are no choice, so there may be fewer than `most`. Of equal ones the
    earlier query is taken.
    """
    logs = np.log2(np.minimum(ranks, candidates))
    slices = narrowest + 1
    usual = np.bincount(slices, logs[best]) / np.maximum(np.bincount(slices), 1)
    merits: dict[Literal["disagreement", "hidden failure"], Floats] = {
        "disagreement": logs.max(axis=0) - logs.min(axis=0),
        "hidden failure": logs[best] - usual[slices],
    }
    waiting = {why: iter(np.argsort(-merit, kind="stable").tolist()) for why, merit in merits.items()}
    found: list[Telling] = []
    taken: set[int] = set()
    while waiting and len(found) < most:
        for why, queries in list(waiting.items()):
            query = next((one for one in queries if int(clusters[one]) not in taken), None)
            if query is None or merits[why][query] <= 0:
                del waiting[why]
            elif len(found) < most:
                found.append(Telling(query, why, float(2 ** merits[why][query])))
                taken.add(int(clusters[query]))
    return found
