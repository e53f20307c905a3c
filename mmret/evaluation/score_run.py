"""Score a run against judgements: what `mmret score` does, and what a leaderboard does with an upload."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..benchmarks import Ragged
from ..errors import InputError, first_ten
from .labels import Labels
from .measures import Measure
from .ranks import Counts, count_scores
from .runs import Run
from .summary import MEASURES, chance, entry_of

Missing = Literal["error", "zero"]
Unknown = Literal["error", "ignore"]


@dataclass(frozen=True)
class RunScores:
    """A scored run.

    Parameters
    ----------
    scores: `{"n": int, measure: {"value", "optimistic", "pessimistic", "low", "high"}}`, with "random" where galleries
        are known.
    ties: share of queries whose best right document ties with another.
    missing: ids of judged queries that the run lacks; they count 0.
    unknown: number of the run's queries that are not judged and were left out.
    per_query: one row a judged query, the expected value of each measure.
    """

    scores: Mapping[str, Any]
    ties: float
    missing: list[str]
    unknown: int
    per_query: pd.DataFrame


def score_run(
    run: Run,
    labels: Labels,
    *,
    galleries: Mapping[str, Sequence[str]] | None = None,
    measures: Sequence[str] = MEASURES,
    missing: Missing = "error",
    unknown: Unknown = "error",
    seed: int = 0,
) -> RunScores:
    """Score a run, for all judged queries that have a right document.

    Parameters
    ----------
    galleries: query id → candidates. A document outside is refused; one that the run does not list is not retrieved.
    missing: "error" refuses a run that lacks a judged query, "zero" counts 0 for it.
    unknown: "error" refuses a run with queries that are not judged, "ignore" leaves them out.

    Raises `InputError` with the first ten offenders and their number; also for NaN, infinite scores and documents
    listed twice for a query.
    """
    parsed = [Measure.parse(name) for name in measures]
    judged = pd.Index(labels.queries)
    place = judged.get_indexer(pd.Index(run.queries))
    without = set(labels.without)
    stray = [query for query, at in zip(run.queries, place, strict=True) if at < 0 and query not in without]
    if stray and unknown == "error":
        raise InputError(
            f"queries of the run that are not judged: {first_ten(stray)}; leave them out: --unknown ignore"
        )
    lacking = [labels.queries[i] for i in np.setdiff1d(np.arange(len(judged)), place)]
    if lacking and missing == "error":
        raise InputError(f"judged queries that the run lacks: {first_ten(lacking)}; count 0 for them: --missing zero")
    counts = _count(run, labels, place)
    if galleries is not None:
        counts = Counts(
            counts.query, counts.gain, counts.greater, counts.tied, _check_galleries(run, labels, place, galleries)
        )
    values = {str(measure): measure(counts) for measure in parsed}
    random = {str(measure): measure(chance(counts)) for measure in parsed} if galleries is not None else {}
    everyone = np.arange(len(judged))
    scores = {"n": len(judged)} | {
        name: entry_of(value, random.get(name), everyone, None, name, seed) for name, value in values.items()
    }
    tied = np.bincount(counts.query, counts.tied > 1, len(judged)) > 0
    per_query = pd.DataFrame({"query": labels.queries} | {name: value.expected for name, value in values.items()})
    return RunScores(scores, float(tied.mean()), lacking, len(stray), per_query)


def _count(run: Run, labels: Labels, place: NDArray[np.int64]) -> Counts:
    """Standing of the right documents; a query that the run lacks has an empty list."""
    documents = pd.Index(run.documents)
    at = documents.get_indexer(pd.Index(labels.documents))
    new = at < 0
    at[new] = len(documents) + np.arange(new.sum())
    positives = Ragged(labels.positives.offsets, at[labels.positives.positions].astype(np.int32))
    lists, scores = _arranged(run, place, len(labels.queries))
    return count_scores(
        lists,
        scores,
        positives,
        labels.gains,
        query_ids=labels.queries,
        document_ids=[*run.documents, *labels.documents],
    )


def _arranged(run: Run, place: NDArray[np.int64], n: int) -> tuple[Ragged, NDArray[np.floating]]:
    """The run's lists in the order of the judged queries; without a copy where they stand so already."""
    if np.array_equal(place, np.arange(n)):
        return run.lists, run.scores
    row = np.full(n, -1)
    row[place[place >= 0]] = np.flatnonzero(place >= 0)
    sizes = np.where(row >= 0, run.lists.sizes[row], 0)
    starts = np.where(row >= 0, run.lists.offsets[row], 0)
    offsets = np.concatenate([[0], sizes.cumsum()])
    entries = np.repeat(starts - offsets[:-1], sizes) + np.arange(offsets[-1])
    return Ragged(offsets, run.lists.positions[entries]), run.scores[entries]


def _check_galleries(
    run: Run, labels: Labels, place: NDArray[np.int64], galleries: Mapping[str, Sequence[str]]
) -> NDArray[np.int64]:
    """Sizes of the judged queries' galleries, int64 `(queries,)`, once nothing lies outside them."""
    lacking = [query for query in labels.queries if query not in galleries]
    if lacking:
        raise InputError(f"judged queries without a gallery: {first_ten(lacking)}")
    outside, wrong = [], []
    for i, query in enumerate(labels.queries):
        inside = set(galleries[query])
        if not inside.issuperset(labels.documents[p] for p in labels.positives[i]):
            wrong.append(query)
    for row, at in enumerate(place):
        if at >= 0:
            inside = set(galleries[labels.queries[at]])
            outside += [f"{run.queries[row]} {d}" for p in run.lists[row] if (d := run.documents[p]) not in inside]
    if wrong:
        raise InputError(f"right documents outside the gallery of the queries {first_ten(wrong)}")
    if outside:
        raise InputError(f"documents of the run outside the gallery (query document): {first_ten(outside)}")
    return np.asarray([len(galleries[query]) for query in labels.queries], np.int64)
