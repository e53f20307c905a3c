"""What is known of each query under one protocol, as columns: ranks, ties, scores, and who stands first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...benchmarks import Benchmark
from ...errors import InputError, first_ten
from ...evaluation import PROTOCOLS, Result
from ...evaluation.aligned import Aligned, Answer

TARGET_ABOVE = "target>source"  # column of per-query values: 0 where the source stands above every right document


@dataclass(frozen=True)
class Hit:
    """A document in a system's answer.

    Parameters
    ----------
    document: position in the benchmark's documents.
    score: as the run holds it, rounded to float32.
    rank: among the candidates that the run lists; the mean of the places of those that tie.
    right: whether the labels call it right.
    source: whether the query was made from it.
    """

    document: int
    score: float
    rank: float
    right: bool
    source: bool


@dataclass(frozen=True)
class Listing:
    """What a system's run says of one query.

    Parameters
    ----------
    top: the best documents, best first; those that tie by position.
    right: the right documents that the run lists, wherever they stand, best first.
    source: the query's own source, where the run lists it among the candidates.
    """

    top: list[Hit]
    right: list[Hit]
    source: Hit | None


@dataclass(frozen=True, eq=False)
class Facts:
    """The queries of a study under one protocol, one column a query, in the order of `benchmark.queries`.

    Ranks, ties and whether the source is ahead are the evaluator's own, counted in exact arithmetic among all
    candidates. The first document is that of the run, which rounds scores to float32 and may be cut.

    Parameters
    ----------
    protocol: its name.
    benchmark: the queries and documents scored.
    systems: names, in the order of the rows below.
    candidates: int64 `(queries,)`, how many documents compete.
    rank: float64 `(systems, queries)`, of the best right document: the mean of the places of those that tie with it;
        infinite where it was not retrieved.
    optimistic, pessimistic: float64 `(systems, queries)`, the first and the last of these places.
    tied: bool `(systems, queries)`, whether the best right document ties with another candidate.
    source_ahead: bool `(systems, queries)`, whether the source scores strictly higher than every right document.
    listed: bool `(systems,)`, whether the run holds scores of this protocol's candidates; where not, what follows is
        unknown and ranks alone are told.
    depth: candidates of a query that the run of each system keeps, the best; None for all.
    best: int32 `(systems, queries)`, the first document, by position where several tie; -1 where unknown.
    """

    protocol: str
    benchmark: Benchmark
    systems: list[str]
    candidates: NDArray[np.int64]
    rank: NDArray[np.float64]
    optimistic: NDArray[np.float64]
    pessimistic: NDArray[np.float64]
    tied: NDArray[np.bool_]
    source_ahead: NDArray[np.bool_]
    listed: NDArray[np.bool_]
    depth: list[int | None]
    best: NDArray[np.int32]
    _aligned: Aligned

    @classmethod
    def of(cls, protocol: str, benchmark: Benchmark, results: Sequence[Result], aligned: Aligned) -> Self:
        """Gather the facts. `aligned` holds the runs of the results, in their order.

        Raises `InputError` for results whose values or runs do not fit the benchmark.
        """
        tables = [_rows(result, protocol, benchmark) for result in results]
        greater = np.stack([table["greater"].to_numpy(np.float64) for table in tables])
        tied = np.stack([table["tied"].to_numpy(np.int64) for table in tables])
        found = tied > 0
        optimistic = np.where(found, greater + 1, np.inf)
        pessimistic = np.where(found, greater + tied, np.inf)
        ahead = [table[TARGET_ABOVE] == 0 if TARGET_ABOVE in table else np.zeros(len(table), bool) for table in tables]
        facts = cls(
            protocol=protocol,
            benchmark=benchmark,
            systems=list(aligned.names),
            candidates=tables[0]["candidates"].to_numpy(np.int64),
            rank=(optimistic + pessimistic) / 2,
            optimistic=optimistic,
            pessimistic=pessimistic,
            tied=tied > 1,
            source_ahead=np.stack([np.asarray(one, bool) for one in ahead]),
            listed=np.asarray([holds(result, protocol) for result in results]),
            depth=[result.record["run_depth"] for result in results],
            best=np.full(tied.shape, -1, np.int32),
            _aligned=aligned,
        )
        facts._find_best()
        return facts

    def source_of(self, query: int) -> int:
        """The document that a query was made from, -1 for none."""
        source = self.benchmark.source
        return -1 if source is None else int(source[query])

    def slices_of(self, query: int) -> list[str]:
        """Labels of the slices that a query is in."""
        return [label for label, members in self.benchmark.slices.items() if query in members]

    def listing(self, system: int, query: int, k: int = 20) -> Listing | None:
        """What a system's run says of a query; None where it does not hold this protocol's candidates."""
        if not self.listed[system]:
            return None
        documents, scores = self._answer(system, query)
        best = top_entries(scores, k)
        right = np.sort(_entries(documents, self.benchmark.positives[query]))
        right = right[np.argsort(-scores[right], kind="stable")]
        source = np.flatnonzero(documents == self.source_of(query))

        def hits(entries: NDArray[np.int64]) -> list[Hit]:
            return [
                Hit(int(documents[i]), float(scores[i]), _place(scores, i), bool(i in right), bool(i in source))
                for i in entries.tolist()
            ]

        return Listing(hits(best), hits(right), next(iter(hits(source)), None))

    def _find_best(self) -> None:
        for system in np.flatnonzero(self.listed).tolist():
            for query in range(len(self.benchmark.queries)):
                documents, scores = self._answer(system, query)
                if len(documents):
                    self.best[system, query] = documents[scores.argmax()]

    def _answer(self, system: int, query: int) -> Answer:
        """Documents, ascending, and scores of a query's candidates."""
        answer = self._aligned.answer(system, query)
        if not PROTOCOLS[self.protocol].without_source:
            return answer
        kept = answer.documents != self.source_of(query)
        return Answer(answer.documents[kept], answer.scores[kept])


def holds(result: Result, protocol: str) -> bool:
    """Whether a result's run, which is of the first protocol scored, holds the candidates of `protocol`."""
    ran, asked = PROTOCOLS[next(iter(result.record["scores"]))], PROTOCOLS[protocol]
    return ran.everything == asked.everything and (asked.without_source or not ran.without_source)


def top_entries(scores: NDArray[np.floating], k: int) -> NDArray[np.int64]:
    """Where the `k` highest scores stand, highest first; of equal ones the first in the array first."""
    if len(scores) > k:
        edge = np.partition(scores, -k)[-k]
        above = np.flatnonzero(scores > edge)
        level = np.flatnonzero(scores == edge)[: k - len(above)]
        entries = np.sort(np.concatenate([above, level]))
    else:
        entries = np.arange(len(scores))
    return entries[np.argsort(-scores[entries], kind="stable")]


def _entries(documents: NDArray[np.int64], wanted: NDArray[np.int32]) -> NDArray[np.int64]:
    """Where those of the wanted documents that are there stand in `documents`, which ascend."""
    if not len(documents):
        return np.zeros(0, np.int64)
    place = np.searchsorted(documents, wanted).clip(max=len(documents) - 1)
    return place[documents[place] == wanted]


def _place(scores: NDArray[np.floating], entry: int) -> float:
    """The rank of an entry, the mean of the places of those that tie with it."""
    score = scores[entry]
    return float((scores > score).sum() + ((scores == score).sum() + 1) / 2)


def _rows(result: Result, protocol: str, benchmark: Benchmark) -> Any:
    """The per-query values under a protocol, in the order of the benchmark."""
    table = result.per_query[result.per_query["protocol"] == protocol]
    queries = [item.id for item in benchmark.queries]
    place = pd.Index(table["query"]).get_indexer(pd.Index(queries))
    if lacking := [queries[i] for i in np.flatnonzero(place < 0).tolist()]:
        raise InputError(f"a result lacks values of {first_ten(lacking)} under protocol {protocol!r}")
    return table.iloc[place]
