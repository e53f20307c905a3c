"""Several runs as one: reciprocal ranks, a weighted sum of scores, or for each query the run that a rule names.

What a run says of a document is first brought to a common scale, its *signal*; the fused score is the weighted sum of
the signals. Documents that stand alike in every run stand alike in the fused run, and neither the order of lines in a
file nor, with equal weights, the order of the runs can change a digit: the terms of a sum are added in ascending order.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..benchmarks import Benchmark, Ragged
from ..errors import InputError, first_ten
from .aligned import Aligned
from .labels import Labels
from .measures import Measure
from .ranks import count_scores
from .runs import Run

Vector = NDArray[np.float64]
Scale = Literal["rrf", "minmax", "z"]
DEFAULT = "default"  # the label of queries that no other rule fits
STEPS = 10  # weights that are learned are multiples of 1 / STEPS


@dataclass(frozen=True)
class Scaling:
    """How scores of different systems are made comparable, query by query.

    Parameters
    ----------
    scale: one of

        - "rrf": 1 / (k + rank) (Cormack, Clarke and Büttcher, SIGIR 2009); a document that ties with others gets the
          mean of what their places give, which is its expectation over random orders; one that is not listed gets 0.
        - "minmax": scores brought to 0 … 1, all to 1 where they are equal; a document that is not listed gets 0.
        - "z": scores less their mean, divided by their standard deviation, all 0 where they are equal; a document that
          is not listed gets the lowest of the list.
    k: of "rrf", 0 or more.
    """

    scale: Scale = "rrf"
    k: float = 60.0

    def __post_init__(self) -> None:
        if not 0 <= self.k < np.inf:
            raise InputError(f"k of the reciprocal ranks must be 0 or more, not {self.k}")

    def __call__(self, scores: Vector) -> tuple[Vector, float]:
        """Signals float64 `(listed,)` of a list's scores `(listed,)`, and that of a document which is not listed."""
        if not len(scores):
            return scores, 0.0
        if self.scale == "rrf":
            return reciprocal_ranks(scores, self.k), 0.0
        if self.scale == "minmax":
            return minmax(scores), 0.0
        signals = standard(scores)
        return signals, float(signals.min())


def reciprocal_ranks(scores: Vector, k: float) -> Vector:
    """1 / (k + rank), ties as the mean over their places; see `Scaling`."""
    _, group, sizes = np.unique(scores, return_inverse=True, return_counts=True)
    ahead = len(scores) - sizes.cumsum()
    sums = np.concatenate([[0.0], (1 / (k + np.arange(1, len(scores) + 1))).cumsum()])
    return np.where(sizes == 1, 1 / (k + ahead + 1), (sums[ahead + sizes] - sums[ahead]) / sizes)[group]


def minmax(scores: Vector) -> Vector:
    """Scores brought to 0 … 1; see `Scaling`."""
    low, high = float(scores.min()), float(scores.max())
    if low == high:
        return np.ones(len(scores))
    if math.isinf(high - low):  # the span of two finite numbers may not be finite
        scores, low, high = scores / 2, low / 2, high / 2
    return (scores - low) / (high - low)


def standard(scores: Vector) -> Vector:
    """Scores in standard deviations from their mean; see `Scaling`."""
    if scores.min() == scores.max():
        return np.zeros(len(scores))
    scaled = minmax(scores)  # the same in the end, and safe for numbers of any size
    return (scaled - scaled.mean()) / scaled.std()


def fuse(aligned: Aligned, scaling: Scaling, weights: Sequence[float] | None = None) -> Run:
    """The run whose scores, float64, are the weighted sum of the runs' signals.

    Parameters
    ----------
    weights: one a run, 0 or more, brought to the sum 1; None weighs all alike.

    Raises `InputError` for weights that do not fit.
    """
    shares = shares_of(weights, len(aligned.runs))
    return _run(
        aligned,
        ((documents, _weighted(signals, shares)) for documents, signals in _signals(aligned, scaling)),
    )


def shares_of(weights: Sequence[float] | None, runs: int) -> Vector:
    """Weights float64 `(runs,)` of the sum 1; None for equal ones."""
    given = np.ones(runs) if weights is None else np.asarray(weights, np.float64)
    if len(given) != runs:
        raise InputError(f"{runs} runs but {len(given)} weights")
    if not ((given >= 0) & np.isfinite(given)).all() or not given.any():
        raise InputError(f"weights must be 0 or more, and not all 0: {', '.join(map(str, given.tolist()))}")
    return given / given.sum()


def _signals(aligned: Aligned, scaling: Scaling) -> Iterator[tuple[NDArray[np.int64], Vector]]:
    """For each query the documents of all runs, ascending, and their signals float64 `(runs, documents)`."""
    for query in range(len(aligned.queries)):
        answers = aligned.answers(query)
        documents = np.unique(np.concatenate([answer.documents for answer in answers]))
        signals = np.empty((len(answers), len(documents)))
        for own, answer in zip(signals, answers, strict=True):
            listed, rest = scaling(answer.scores)
            own[:] = rest
            own[np.searchsorted(documents, answer.documents)] = listed
        yield documents, signals


def _weighted(signals: Vector, shares: Vector) -> Vector:
    """Sums over the runs; in ascending order, because the order of a sum decides its last digit."""
    return np.sort(signals * shares[:, None], axis=0).sum(axis=0)


def _run(aligned: Aligned, lists: Iterator[tuple[NDArray[np.int64], Vector]]) -> Run:
    documents, scores = zip(*lists, strict=True)
    return Run(aligned.queries, aligned.documents, Ragged.of(documents), np.concatenate(scores))


@dataclass(frozen=True)
class Learned:
    """Weights found on some queries.

    Parameters
    ----------
    weights: one a run, of the sum 1.
    value: of the measure, on the queries learned from.
    queries: ids of these.
    """

    weights: list[float]
    value: float
    queries: list[str]


def learn_weights(aligned: Aligned, scaling: Scaling, labels: Labels, measure: str) -> Learned:
    """The weights, multiples of 1 / `STEPS`, under which the fused run does best on the judged queries.

    Of equally good weights those nearest to equal ones are taken. Raises `InputError` where the runs lack a judged
    query.
    """
    parsed = Measure.parse(measure)
    rows = pd.Index(aligned.queries).get_indexer(pd.Index(labels.queries))
    if (rows < 0).any():
        lacking = [labels.queries[i] for i in np.flatnonzero(rows < 0).tolist()]
        raise InputError(f"queries to learn from that the runs lack: {first_ten(lacking)}")
    documents, signals = zip(*_signals(aligned.at(rows.astype(np.int64)), scaling), strict=True)
    lists, values = Ragged.of(documents), np.concatenate(signals, axis=1)
    numbers = pd.Index(aligned.documents).get_indexer(pd.Index(labels.documents))
    numbers[numbers < 0] = len(aligned.documents)  # in no list
    positives = Ragged(labels.positives.offsets, numbers[labels.positives.positions].astype(np.int32))

    def value(shares: Vector) -> float:
        counts = count_scores(lists, _weighted(values, shares), positives, labels.gains, checked=True)
        return parsed.aggregate(parsed(counts).expected)

    sign = 1 if parsed.higher_is_better else -1
    found = [(value(shares), shares) for shares in _simplex(len(aligned.runs))]
    best, shares = max(found, key=lambda one: (sign * one[0], -float((one[1] ** 2).sum()), tuple(one[1])))
    return Learned(shares.tolist(), best, labels.queries)


def _simplex(parts: int) -> Iterator[Vector]:
    """All weights of the sum 1 that are multiples of 1 / `STEPS`."""
    last = STEPS + parts - 1
    for bars in combinations(range(last), parts - 1):
        yield (np.diff([-1, *bars, last]) - 1) / STEPS


def route(aligned: Aligned, choice: NDArray[np.int64]) -> Run:
    """For each query the answer of one run, as it is; `choice` int64 `(queries,)` are the runs' numbers, from 0."""
    lists = (aligned.answers(query)[number] for query, number in enumerate(choice.tolist()))
    return _run(aligned, ((answer.documents, answer.scores) for answer in lists))


def by_margin(aligned: Aligned) -> NDArray[np.int64]:
    """For each query the run that is surest of its first document: int64 `(queries,)`.

    The margin is the distance from the best to the second-best score once the list's scores are brought to 0 … 1; a
    list of one document has the margin 1, an empty one 0. Of equal margins the earlier run's counts.
    """
    return np.asarray(
        [
            np.argmax([_margin(answer.scores) for answer in aligned.answers(query)])
            for query in range(len(aligned.queries))
        ],
        np.int64,
    )


def _margin(scores: Vector) -> float:
    if len(scores) < 2:
        return float(len(scores))
    second, best = np.partition(minmax(scores), -2)[-2:]
    return float(best - second)


def by_slice(aligned: Aligned, benchmark: Benchmark, rules: Mapping[str, int]) -> NDArray[np.int64]:
    """For each query the run that the first fitting rule names: int64 `(queries,)`.

    Parameters
    ----------
    rules: label of a slice → number of a run, from 0; "default" fits every query.

    Raises `InputError` for labels and runs that do not exist, and for queries that no rule fits.
    """
    unknown = [label for label in rules if label not in benchmark.slices and label != DEFAULT]
    if unknown:
        raise InputError(f"{benchmark.name} has no slice {first_ten(unknown)}; it has: {', '.join(benchmark.slices)}")
    for label, number in rules.items():
        if not 0 <= number < len(aligned.runs):
            known = ", ".join(f"{i} ({name})" for i, name in enumerate(aligned.names))
            raise InputError(f"{label}={number}: no such run; there are {known}")
    choice = np.full(len(benchmark.queries), -1, np.int64)
    for label, number in rules.items():
        members = np.arange(len(choice)) if label == DEFAULT else benchmark.slices[label]
        choice[members] = np.where(choice[members] < 0, number, choice[members])
    rows = pd.Index([item.id for item in benchmark.queries]).get_indexer(pd.Index(aligned.queries))
    stray = [query for query, row in zip(aligned.queries, rows.tolist(), strict=True) if row < 0 or choice[row] < 0]
    if stray:
        raise InputError(f"queries that no rule fits: {first_ten(stray)}; add default=NUMBER")
    return choice[rows]
