"""Models that have no vectors: each pair is scored once, some queries at a time, and counted under every protocol.

All protocols and the run come from the same scores, and no more of them is held than `max_bytes` allows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..benchmarks import Benchmark, Ragged
from ..encoders import PairScorer
from ..items import Item
from ..meter import Meter
from ..progress import bar
from .checks import check_scores
from .protocols import Protocol
from .ranks import count_scores
from .scoring import DEPTH, Answers, Contest, even, too_many

PAIR_BYTES = 64  # a pair: float64 scores, as the model gives them and in lists, positions, and what counting adds
WASTE = 2  # scoring a whole block may take so many times the pairs that are needed: one call costs less than many


def pair_answers(
    model: PairScorer,
    benchmark: Benchmark,
    protocols: Sequence[Protocol],
    queries: Sequence[Item],
    *,
    batch_size: int,
    max_bytes: int,
    meter: Meter,
    show: bool,
) -> Answers:
    """Score the candidates of each query and count them.

    Parameters
    ----------
    queries: those of the benchmark, with what is left of them.
    batch_size: queries scored at a time, or fewer where `max_bytes` says so.
    """
    contests = [Contest(benchmark, protocol) for protocol in protocols]
    n, documents = len(queries), benchmark.documents
    widest = None if any(contest.gallery is None for contest in contests) else benchmark.galleries
    most = len(documents) if widest is None else int(widest.sizes.max())
    step = max(1, min(batch_size, max_bytes // (PAIR_BYTES * most)))
    counted: list[list[NDArray[np.int64]]] = [[] for _ in contests]
    kept: list[NDArray[np.float32]] = []
    best: list[NDArray[np.int32]] = []
    shorten = too_many(benchmark, protocols[0])
    with bar(n, "score queries", "query", show=show) as progress:
        for start in range(0, n, step):
            rows = slice(start, min(start + step, n))
            lists = _lists(widest, rows, len(documents))
            with meter.stage("score", items=len(lists)):
                scores = _score(model, queries[rows], documents, lists)
                for contest, parts in zip(contests, counted, strict=True):
                    own, values = _among(contest.gallery, widest, rows, lists, scores)
                    if contest is contests[0]:
                        kept.append(values.astype(np.float32) + np.float32(0))  # no negative zero
                        if shorten:
                            rows_of = kept[-1].reshape(len(lists), -1)
                            best.append(np.argsort(-rows_of, axis=1, kind="stable")[:, :DEPTH].astype(np.int32))
                            kept[-1] = np.take_along_axis(rows_of, best[-1], 1).ravel()
                    probes = _some(contest.probes, rows)
                    counts = count_scores(own, values, probes, np.ones(len(probes.positions)), checked=True)
                    parts.append(np.stack([counts.greater, counts.tied]))
            progress.update(len(lists))
    standings = [contest.standing(*np.concatenate(parts, 1)) for contest, parts in zip(contests, counted, strict=True)]
    by_name = dict(zip([one.name for one in protocols], standings, strict=True))
    return Answers(by_name, np.concatenate(kept), even(np.concatenate(best)) if shorten else None)


def _lists(gallery: Ragged | None, rows: slice, documents: int) -> Ragged:
    """The candidates of some queries, one list a query."""
    if gallery is not None and len(gallery) > 1:
        return _some(gallery, rows)
    common = np.arange(documents, dtype=np.int32) if gallery is None else gallery.positions
    n = rows.stop - rows.start
    return Ragged(np.arange(n + 1) * len(common), np.tile(common, n))


def _some(lists: Ragged, rows: slice) -> Ragged:
    offsets = lists.offsets[rows.start : rows.stop + 1]
    return Ragged(offsets - offsets[0], lists.positions[offsets[0] : offsets[-1]])


def _among(
    gallery: Ragged | None, widest: Ragged | None, rows: slice, lists: Ragged, scores: NDArray[np.float64]
) -> tuple[Ragged, NDArray[np.float64]]:
    """Lists and scores of the candidates in `gallery`, out of those in `widest`, which is the same or has them all."""
    if gallery is widest:
        return lists, scores
    width = len(lists.positions) // len(lists)  # all documents, in order
    own = _lists(gallery, rows, width)
    return own, scores[own.rows * width + own.positions]


def _score(model: PairScorer, queries: Sequence[Item], documents: Sequence[Item], lists: Ragged) -> NDArray[np.float64]:
    """Scores float64 `(entries of lists,)`: of the whole block where its lists are much the same, else one by one."""
    columns = np.flatnonzero(np.bincount(lists.positions))
    if len(queries) * len(columns) <= WASTE * len(lists.positions):
        block = _checked(model, queries, [documents[i] for i in columns.tolist()])
        return block[lists.rows, np.searchsorted(columns, lists.positions)]
    each = [[documents[i] for i in own.tolist()] for own in lists]
    return np.concatenate([_checked(model, [one], own)[0] for one, own in zip(queries, each, strict=True)])


def _checked(model: PairScorer, queries: Sequence[Item], documents: Sequence[Item]) -> NDArray[np.float64]:
    scores = model.score(queries, documents)
    check_scores(model, scores, queries, documents)
    return scores.astype(np.float64)  # exact, and keeps order


def index(model: PairScorer, documents: Sequence[Item], meter: Meter) -> None:
    """Show the collection to a model that wants to see it."""
    learn = getattr(model, "index", None)
    if learn is not None:
        with meter.stage("index", items=len(documents)):
            learn(documents)
