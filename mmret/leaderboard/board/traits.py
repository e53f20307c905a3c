"""What a run looks like beside the labels: taken by the scorer while it has both in memory, judged later by `trust`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ...benchmarks import Benchmark
from ...evaluation import Run

DEPTH = 10  # places of each query that are compared with other submissions
FEW = 20  # wins or losses from which nothing is concluded


@dataclass(frozen=True)
class Traits:
    """Marks of copies and of label-like runs.

    A query is won when its best right document has a higher score than all others, its own source aside, and lost when
    it has a lower one, each by a margin. With honest scores narrow wins are as frequent as narrow losses, because
    nothing changes where the margin passes 0; a bonus that the labels give makes all wins wide.

    Parameters
    ----------
    top: the best documents of each query that are neither right nor its source, best first, as positions in the
        benchmark's documents, int32 `(queries, 10)`; -1 for a place that is not listed or tied with its neighbour.
        Without the right ones, two good systems do not look alike for being good.
    ahead: share of queries that are won.
    narrow: wins by less than the median margin of the losses, over half of the wins or of the losses, whichever are
        fewer; about 1 or more for honest scores. None with few wins or losses.
    fixed: share of the wins with one and the same score, the most frequent, less the share of other queries whose best
        document has it; 1 where each right document was given one value. None with few wins or others.
    """

    top: NDArray[np.int32]
    ahead: float
    narrow: float | None
    fixed: float | None

    @classmethod
    def of(cls, run: Run, benchmark: Benchmark) -> Self:
        """The traits of a run that holds all queries of `benchmark`, which needs ids, right documents and sources."""
        place = {item.id: i for i, item in enumerate(benchmark.documents)}
        position = np.array([place.get(name, -1) for name in run.documents], np.int32)
        row = {name: i for i, name in enumerate(run.queries)}
        top = np.full((len(benchmark.queries), DEPTH), -1, np.int32)
        best = np.full((len(benchmark.queries), 2), -np.inf)  # the score of the best right document, and of the others
        kind = np.zeros(len(benchmark.documents), np.int8)  # of the query at hand: 1 right, 2 its source
        for i, query in enumerate(benchmark.queries):
            right, number = benchmark.positives[i], row[query.id]
            source = [] if benchmark.source is None or benchmark.source[i] < 0 else [benchmark.source[i]]
            listed = position[run.lists[number]]
            scores = run.scores[run.lists.offsets[number] : run.lists.offsets[number + 1]]
            kind[source], kind[right] = 2, 1
            kinds = kind[listed]
            others = kinds == 0
            # A right document that is not listed stands no higher than the last one listed.
            best[i] = scores[kinds == 1].max(initial=scores.min()), scores[others].max(initial=-np.inf)
            top[i] = _top(listed[others], scores[others])
            kind[source] = kind[right] = 0
        return cls(top, *_margins(best))


def _top(documents: NDArray[np.int32], scores: NDArray[np.floating]) -> NDArray[np.int32]:
    """The best `DEPTH` documents; -1 where a tie leaves open which one it is."""
    if len(scores) > DEPTH + 1:
        some = np.argpartition(-scores, DEPTH)[: DEPTH + 1]
        documents, scores = documents[some], scores[some]
    order = np.argsort(-scores)
    documents, scores = documents[order], scores[order]
    tied = np.zeros(len(scores), bool)
    tied[1:] = scores[1:] == scores[:-1]
    tied[:-1] |= tied[1:]
    found = np.full(DEPTH, -1, np.int32)
    found[: min(DEPTH, len(scores))] = np.where(tied, -1, documents)[:DEPTH]
    return found


def _margins(best: NDArray[np.float64]) -> tuple[float, float | None, float | None]:
    """`ahead`, `narrow` and `fixed` of the best scores `(queries, 2)` of right and of other documents."""
    margin = best[:, 0] - best[:, 1]  # infinite where nothing but right documents is listed
    won = margin > 0
    wins, losses, others = margin[won], -margin[margin < 0], best[~won, 1]
    narrow = fixed = None
    if min(len(wins), len(losses)) >= FEW:
        narrow = float((wins <= np.median(losses)).sum() / (min(len(wins), len(losses)) / 2))
    if min(len(wins), len(others)) >= FEW:
        scores, counts = np.unique(best[won, 0], return_counts=True)
        fixed = float(counts.max() / len(wins) - (others == scores[counts.argmax()]).mean())
    return float(won.mean()), narrow, fixed
