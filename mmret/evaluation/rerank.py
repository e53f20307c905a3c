"""Two stages: the best documents of a first run, put in order by a second scorer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..benchmarks import Benchmark, Ragged
from ..errors import InputError
from .aligned import Aligned, Answer
from .evaluate import evaluate
from .measures import Measure
from .runs import Run
from .score_run import RunScores, score_run_on
from .settings import Settings
from .statistics import Comparison, compare
from .summary import usual_measures


@dataclass(frozen=True)
class Reranked:
    """A run in two stages.

    Parameters
    ----------
    run: every list of the first run: what was reranked by the second scores, the rest beneath it in its old order.
    candidates: int64 `(queries,)`, how many documents of each query were reranked.
    recall: share of a query's right documents that are among these, mean over the queries.
    scores: "first", "ceiling" and "reranked" → protocol → slice → measures, as in a `result.json`. The ceiling is what
        a second stage without a fault makes of the same candidates: no reranker can do better.
    protocol: the one compared under.
    comparisons: measure → reranked less first, all queries, paired.
    cost: of the second stage, as in a `result.json`.
    """

    run: Run
    candidates: NDArray[np.int64]
    recall: float
    scores: Mapping[str, Any]
    protocol: str
    comparisons: Mapping[str, Comparison]
    cost: Mapping[str, Any]

    def describe(self) -> dict[str, Any]:
        """Plain values; all but the run."""
        sizes = {"mean": float(self.candidates.mean()), "max": int(self.candidates.max())}
        return {
            "candidates": sizes,
            "recall": self.recall,
            "scores": self.scores,
            "protocol": self.protocol,
            "comparisons": {name: asdict(one) for name, one in self.comparisons.items()},
            "cost": self.cost,
        }


def rerank(
    first: Run,
    name: str,
    benchmark: Benchmark,
    model: str,
    k: int,
    settings: Settings | None = None,
    *,
    show: bool = False,
) -> Reranked:
    """Rerank the `k` best documents of each query.

    Parameters
    ----------
    first: a run over all queries of the benchmark; `name` is what messages call it.
    model: name of the second scorer.
    k: documents reranked; those that tie with the k-th are reranked too, because nothing says which of them come first.
    settings: of the second scorer, its protocols and limit apart.

    A document whose media cannot be used is not reranked. Raises `InputError` for a run that does not fit.
    """
    if k < 1:
        raise InputError(f"k must be at least 1, not {k}")
    benchmark.need_labels()
    settings = settings or Settings()
    stage = Aligned.of([first], [name], benchmark)
    best = Ragged.of([_best(answer, k) for answer in _answers(stage)])
    # A benchmark holds every right document among a query's candidates, so one that the first stage missed is scored
    # with the rest; a score does not depend on what else is scored, and it is not taken over.
    lists = [np.union1d(own, right) for own, right in zip(best, benchmark.positives, strict=True)]
    narrowed = replace(benchmark, galleries=Ragged.of(lists))
    second = evaluate(narrowed, model, replace(settings, protocols=("gallery",), limit=None), show=show)
    scored = Aligned.of([second.run], [model], benchmark, missing="zero")
    run = _in_order(stage, best, _answers(scored))
    ideal = _in_order(stage, best, _labels(benchmark))
    stages = {"first": first, "ceiling": ideal, "reranked": run}
    measures = settings.measures or usual_measures(benchmark)
    found = {
        title: score_run_on(one, benchmark, measures=measures, seed=settings.seed) for title, one in stages.items()
    }
    protocol = next(iter(found["first"].scores))
    held = best.holds(benchmark.positives.rows, benchmark.positives.positions)
    return Reranked(
        run,
        best.sizes,
        float((np.bincount(benchmark.positives.rows, held) / benchmark.positives.sizes).mean()),
        {title: one.scores for title, one in found.items()},
        protocol,
        _comparisons(found["reranked"], found["first"], protocol, measures, settings.seed),
        second.record["cost"],
    )


def _answers(aligned: Aligned) -> Iterator[Answer]:
    return (aligned.answers(query)[0] for query in range(len(aligned.queries)))


def _labels(benchmark: Benchmark) -> Iterator[Answer]:
    """The answers of a scorer that knows the labels: every document by its grade."""
    everyone = np.arange(len(benchmark.documents))
    offsets = benchmark.positives.offsets
    for query, right in enumerate(benchmark.positives):
        grades = np.zeros(len(everyone))
        grades[right] = benchmark.gains[offsets[query] : offsets[query + 1]]
        yield Answer(everyone, grades)


def _best(answer: Answer, k: int) -> NDArray[np.int64]:
    """The `k` best documents and those that tie with the last of them."""
    if len(answer.scores) <= k:
        return answer.documents
    return answer.documents[answer.scores >= np.partition(answer.scores, -k)[-k]]


def _in_order(stage: Aligned, best: Ragged, second: Iterator[Answer]) -> Run:
    """The first stage's lists with new scores."""
    documents, scores = [], []
    for answer, own, new in zip(_answers(stage), best, second, strict=True):
        documents.append(answer.documents)
        scores.append(_rescored(answer, own, new))
    return Run(stage.queries, stage.documents, Ragged.of(documents), np.concatenate(scores))


def _rescored(answer: Answer, best: NDArray[np.int32], second: Answer) -> NDArray[np.float64]:
    """Scores of the first stage's documents: the second stage's for the `best`, for the others lower ones, in order.

    A step is as long as the lowest score is far from 0, so that no step is lost in rounding.
    """
    chosen = np.isin(answer.documents, best) & np.isin(answer.documents, second.documents)
    scores = np.empty(len(chosen))
    scores[chosen] = second.scores[np.searchsorted(second.documents, answer.documents[chosen])]
    lowest = float(scores[chosen].min()) if chosen.any() else 0.0
    places = np.unique(-answer.scores[~chosen], return_inverse=True)[1] + 1
    scores[~chosen] = lowest - max(1.0, abs(lowest)) * places
    return scores


def _comparisons(
    reranked: RunScores, first: RunScores, protocol: str, measures: Sequence[str], seed: int
) -> dict[str, Comparison]:
    """The two stages, measure by measure, over all queries."""
    one, other = (scores.per_query[scores.per_query.protocol == protocol] for scores in (reranked, first))
    clusters = np.unique(one["cluster"].to_numpy(str), return_inverse=True)[1]
    found = {}
    for measure in map(Measure.parse, measures):
        name = str(measure)
        a, b = (table[name].to_numpy(np.float64) for table in (one, other))
        found[name] = compare(a, b, clusters, aggregate=measure.aggregation, seed=seed)
    return found
