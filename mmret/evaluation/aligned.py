"""Several runs side by side: the same queries, and one number for each document whichever run lists it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..benchmarks import Benchmark
from ..errors import InputError, first_ten
from .results import RUN
from .runs import Run, read_run
from .score_run import Missing


def run_at(path: Path) -> Run:
    """The run of a result, named by its folder, or of a file. Raises `InputError` as `read_run` does."""
    if path.is_dir() and not (path / RUN).is_file():
        raise InputError(f"{path}: holds no {RUN}; is it the output of `mmret eval`?")
    return read_run(path / RUN if path.is_dir() else path)


class Answer(NamedTuple):
    """What one run gives for one query: int64 positions in `Aligned.documents`, ascending, and float64 scores."""

    documents: NDArray[np.int64]
    scores: NDArray[np.float64]


@dataclass(frozen=True)
class Aligned:
    """Runs over the same queries. Queries and documents stand in the order of their ids, so no file's order matters.

    Parameters
    ----------
    names: what the runs are called, for people.
    queries, documents: ids.
    rows: int64 `(runs, queries)`, where a run holds a query, -1 for one that it lacks.
    places: for each run the positions of its documents in `documents`.
    """

    names: Sequence[str]
    runs: Sequence[Run]
    queries: list[str]
    documents: list[str]
    rows: NDArray[np.int64]
    places: Sequence[NDArray[np.int64]]

    @classmethod
    def of(
        cls,
        runs: Sequence[Run],
        names: Sequence[str],
        benchmark: Benchmark | None = None,
        missing: Missing = "error",
    ) -> Self:
        """Bring runs together.

        Parameters
        ----------
        benchmark: whose queries and documents they are of; None where the runs themselves say it.
        missing: "error" refuses a run that lacks a query, "zero" takes it as listing nothing.

        Raises `InputError` naming the run with queries or documents that the benchmark lacks, with queries missing, or
        without any document in common with the first.
        """
        if benchmark is None:
            queries = sorted({query for run in runs for query in run.queries})
            documents = sorted({document for run in runs for document in run.documents})
        else:
            queries = [item.id for item in benchmark.queries]
            documents = [item.id for item in benchmark.documents]
        known, numbers = pd.Index(queries), pd.Index(documents)
        places = [numbers.get_indexer(pd.Index(run.documents)).astype(np.int64) for run in runs]
        for run, name, place in zip(runs, names, places, strict=True):
            where = benchmark.name if benchmark is not None else ""
            _refuse(f"{name}: documents that {where} lacks", run.documents, place < 0)
            _refuse(f"{name}: queries that {where} lacks", run.queries, known.get_indexer(pd.Index(run.queries)) < 0)
            if not np.isin(place, places[0]).any():
                raise InputError(f"{names[0]} and {name} have no document in common; are they of the same benchmark?")
        rows = np.stack([pd.Index(run.queries).get_indexer(known) for run in runs]).astype(np.int64)
        for name, row in zip(names, rows, strict=True):
            if missing == "error":
                _refuse(
                    f"{name}: lacks queries (to take them as answered by nothing: --missing zero)", queries, row < 0
                )
        return cls(names, runs, queries, documents, rows, places)

    def at(self, queries: NDArray[np.int64]) -> Self:
        """The same runs, at some of the queries."""
        return replace(self, queries=[self.queries[i] for i in queries.tolist()], rows=self.rows[:, queries])

    def without(self, queries: Sequence[str]) -> Self:
        """The same runs, at all other queries. Raises `InputError` where there is none."""
        left = np.flatnonzero(~pd.Index(self.queries).isin(queries))
        if not len(left):
            raise InputError("no query is left beside those that were learned from; learn from a part of them")
        return self.at(left)

    def answers(self, query: int) -> list[Answer]:
        """What each run gives for the query at this position; raises as `answer` does."""
        return [self.answer(number, query) for number in range(len(self.runs))]

    def answer(self, number: int, query: int) -> Answer:
        """What one of the runs gives for the query at this position.

        Raises `InputError` naming the run and the query for a document listed twice, and for NaN or infinite scores.
        """
        run, row = self.runs[number], int(self.rows[number, query])
        if row < 0:
            return Answer(np.zeros(0, np.int64), np.zeros(0))
        documents = self.places[number][run.lists[row]]
        scores = run.scores[run.lists.offsets[row] : run.lists.offsets[row + 1]].astype(np.float64)
        if (documents[1:] <= documents[:-1]).any():  # they ascend already in a run of all candidates
            order = np.argsort(documents)
            documents, scores = documents[order], scores[order]
        bad = ~np.isfinite(scores)
        bad[1:] |= documents[1:] == documents[:-1]
        if bad.any():
            ids = [self.documents[i] for i in documents[bad].tolist()]
            raise InputError(
                f"{self.names[number]}: query {self.queries[query]}: documents listed twice, "
                f"or with a score that is no finite number: {first_ten(ids)}"
            )
        return Answer(documents, scores)


def _refuse(what: str, ids: Sequence[str], wrong: NDArray[np.bool_]) -> None:
    if wrong.any():
        raise InputError(f"{what}: {first_ten([ids[i] for i in np.flatnonzero(wrong).tolist()])}")
