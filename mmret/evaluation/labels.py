"""Labels and galleries from files: qrels in TREC or BEIR form, galleries as lists of document ids."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..benchmarks import Ragged
from ..errors import InputError, first_ten
from ..paths import StrPath
from ..vectors import offsets_of
from .ids import Index
from .texts import UNREADABLE, open_text

QRELS = ("query", "document", "grade")
ROWS = 256  # galleries read at a time


@dataclass(frozen=True)
class Labels:
    """Judgements.

    Parameters
    ----------
    queries: ids of the queries with a right document, sorted.
    documents: ids of all right documents, sorted.
    positives: for each query its right documents, as positions in `documents`.
    gains: float64 `(entries of positives,)`, grades above 0.
    without: ids of the queries that were judged and have no right document.
    """

    queries: list[str]
    documents: list[str]
    positives: Ragged
    gains: NDArray[np.float64]
    without: list[str]


def read_qrels(path: StrPath) -> Labels:
    """Read judgements: TREC (`query 0 document grade`), BEIR (tab-separated, with a header), Parquet or JSON lines.

    Grades of 0 and below mean "judged and wrong". Raises `InputError` naming the file for what does not fit.

    >>> import mmret
    >>> from pathlib import Path
    >>> _ = Path("qrels.txt").write_text("q1 0 a 2\\nq1 0 b 0\\nq2 0 c 1\\n")
    >>> mmret.read_qrels("qrels.txt").queries
    ['q1', 'q2']
    """
    path = Path(path)
    frame = _read_table(path)
    twice = frame.duplicated(["query", "document"])
    if twice.any():
        pairs = [f"{row.query} {row.document}" for row in frame[twice].head(11).itertuples()]
        raise InputError(f"{path}: judged twice: {first_ten(pairs)}")
    right = frame[frame.grade > 0].sort_values(["query", "document"])
    if right.empty:
        raise InputError(f"{path}: no document is judged right (a grade above 0)")
    queries, documents = sorted(right["query"].unique()), sorted(right.document.unique())
    sizes = right.groupby("query").size().reindex(queries).to_list()
    positions = pd.Index(documents).get_indexer(pd.Index(right.document)).astype(np.int32)
    return Labels(
        queries,
        documents,
        Ragged(offsets_of(sizes), positions),
        right.grade.to_numpy(np.float64),
        sorted(set(frame["query"]) - set(queries)),
    )


def _read_table(path: Path) -> pd.DataFrame:
    """Columns `query`, `document` (texts) and `grade` (float64)."""
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    beir = False
    try:
        if path.suffix == ".parquet":
            frame = pd.read_parquet(path)
        elif ".jsonl" in path.suffixes:
            frame = pd.read_json(path, lines=True, dtype=False)
        else:
            frame = pd.read_csv(path, sep=_separator(path), header=None, dtype=str, quoting=3, keep_default_na=False)
            beir = frame.shape[1] == 3
    except UNREADABLE as error:
        raise InputError(f"{path}: not qrels: {' '.join(str(error).split())}") from None
    if frame.shape[1] == 4:
        frame = frame.drop(columns=frame.columns[1])
    if frame.shape[1] != 3:
        raise InputError(f"{path}: qrels have 3 columns (BEIR) or 4 (TREC), not {frame.shape[1]}")
    frame.columns = pd.Index(QRELS)
    grades = pd.to_numeric(frame.grade, errors="coerce")
    if beir and np.isnan(grades.iloc[0]):  # its header
        frame, grades = frame.iloc[1:], grades.iloc[1:]
    ids = frame[["query", "document"]]
    lacking = (ids.isna() | (ids == "")).any(axis=1)
    if lacking.any():
        raise InputError(f"{path}: row {int(frame.index[lacking][0]) + 1}: an id is missing")
    if not np.isfinite(grades).all():
        line = int(np.flatnonzero(~np.isfinite(grades))[0])
        raise InputError(f"{path}: row {int(frame.index[line]) + 1}: {frame.grade.iloc[line]!r} is no grade")
    return frame.astype({"query": str, "document": str}).assign(grade=grades.astype(np.float64))


def _separator(path: Path) -> str:
    """Tabs where the first line has any, since ids may hold spaces then; else any white space."""
    with open_text(path) as file:
        return "\t" if "\t" in file.readline() else r"\s+"


@dataclass(frozen=True, eq=False)
class Galleries(Mapping[str, list[str]]):
    """The candidates of each query; reads as a mapping from a query's id to the ids of its candidates.

    Parameters
    ----------
    queries: ids.
    documents: ids of all candidates.
    lists: for each query its candidates, as positions in `documents`.
    """

    queries: list[str]
    documents: list[str]
    lists: Ragged

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {query: row for row, query in enumerate(self.queries)}

    def __getitem__(self, query: str) -> list[str]:
        return [self.documents[p] for p in self.lists[self._rows[query]]]

    def __iter__(self) -> Iterator[str]:
        return iter(self.queries)

    def __len__(self) -> int:
        return len(self.queries)

    def of(self, queries: Sequence[str]) -> Ragged:
        """The lists of these queries. Raises `InputError` naming those that have none."""
        lacking = [query for query in queries if query not in self._rows]
        if lacking:
            raise InputError(f"judged queries without a gallery: {first_ten(lacking)}")
        rows = np.asarray([self._rows[query] for query in queries], np.int64)
        if np.array_equal(rows, np.arange(len(self))):
            return self.lists
        return Ragged(offsets_of(self.lists.sizes[rows]), self.lists.positions[self.lists.entries(rows)])


def read_galleries(path: StrPath) -> Galleries:
    """Read candidates: Parquet or JSON lines (gzipped too) with `query-id` and `corpus-ids` (mteb's `top_ranked`).

    Raises `InputError` naming the file, and queries with two galleries or a candidate twice.
    """
    import pyarrow as pa

    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    index, queries, sizes, parts = Index(), list[str](), [np.zeros(1, np.int64)], [np.zeros(0, np.int32)]
    try:
        for ids, lists in _parquet_galleries(path) if path.suffix == ".parquet" else _json_galleries(path):
            if ids.null_count or lists.null_count or lists.flatten().null_count:
                raise InputError(f"{path}: the galleries have empty cells")
            queries += map(str, ids.to_pylist())
            sizes.append(np.diff(lists.offsets.to_numpy()).astype(np.int64))
            parts.append(index.encode(lists.flatten()))
        if not queries:
            raise ValueError("there is none")
    except (*UNREADABLE, TypeError, LookupError, pa.ArrowException) as error:
        why = " ".join(str(error).split())
        raise InputError(f"{path}: no galleries with 'query-id' and 'corpus-ids': {why}") from None
    if len(set(queries)) < len(queries):
        raise InputError(f"{path}: a query has two galleries")
    galleries = Galleries(queries, index.ids, Ragged(np.concatenate(sizes).cumsum(), np.concatenate(parts)))
    twice = [queries[row] for row in np.flatnonzero(galleries.lists.ordered().repeats()).tolist()]
    if twice:
        raise InputError(f"{path}: a candidate stands twice in the gallery of {first_ten(twice)}")
    return galleries


def _parquet_galleries(path: Path) -> Iterator[tuple[Any, Any]]:
    """Arrow arrays of query ids and of lists of ids, some rows at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, pre_buffer=False) as file:
        for batch in file.iter_batches(ROWS, columns=["query-id", "corpus-ids"]):
            yield batch["query-id"], batch["corpus-ids"].cast(pa.list_(pa.string()))


def _json_galleries(path: Path) -> Iterator[tuple[Any, Any]]:
    import pyarrow as pa

    with open_text(path) as file:
        lines = (json.loads(line) for line in file if line.strip())
        while some := list(islice(lines, ROWS)):
            queries, lists = [row["query-id"] for row in some], [row["corpus-ids"] for row in some]
            for own in [queries, *lists]:
                if not isinstance(own, list) or not all(isinstance(one, str | int) for one in own):
                    raise TypeError(f"no list of ids: {own!r:.80}")
            texts = [list(map(str, own)) for own in lists]
            yield pa.array(list(map(str, queries))), pa.array(texts, pa.list_(pa.string()))
