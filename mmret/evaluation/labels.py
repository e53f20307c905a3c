"""Labels and galleries from files: qrels in TREC or BEIR form, galleries as lists of document ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..benchmarks import Ragged
from ..errors import InputError, first_ten

QRELS = ("query", "document", "grade")


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


def read_qrels(path: Path) -> Labels:
    """Read judgements: TREC (`query 0 document grade`), BEIR (tab-separated, with a header) or Parquet.

    Grades of 0 and below mean "judged and wrong". Raises `InputError` naming the file for what does not fit.
    """
    frame = _read_table(path)
    twice = frame.duplicated(["query", "document"])
    if twice.any():
        pairs = [f"{row.query} {row.document}" for row in frame[twice].head(11).itertuples()]
        raise InputError(f"{path}: judged twice: {first_ten(pairs)}")
    right = frame[frame.grade > 0].sort_values(["query", "document"])
    if right.empty:
        raise InputError(f"{path}: no document is judged right (a grade above 0)")
    queries, documents = sorted(right["query"].unique()), sorted(right.document.unique())
    sizes = right.groupby("query").size().reindex(queries).to_numpy()
    positions = pd.Index(documents).get_indexer(pd.Index(right.document)).astype(np.int32)
    return Labels(
        queries,
        documents,
        Ragged(np.concatenate([[0], sizes.cumsum()]), positions),
        right.grade.to_numpy(np.float64),
        sorted(set(frame["query"]) - set(queries)),
    )


def _read_table(path: Path) -> pd.DataFrame:
    """Columns `query`, `document` (texts) and `grade` (float64)."""
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        if path.suffix == ".parquet":
            frame = pd.read_parquet(path)
        else:
            frame = pd.read_csv(path, sep=_separator(path), header=None, dtype=str, quoting=3, keep_default_na=False)
    except (ValueError, OSError) as error:
        raise InputError(f"{path}: not qrels: {' '.join(str(error).split())}") from None
    if frame.shape[1] == 4:
        frame = frame.drop(columns=frame.columns[1])
    if frame.shape[1] != 3:
        raise InputError(f"{path}: qrels have 3 columns (BEIR) or 4 (TREC), not {frame.shape[1]}")
    frame.columns = pd.Index(QRELS)
    grades = pd.to_numeric(frame.grade, errors="coerce")
    if path.suffix != ".parquet" and np.isnan(grades.iloc[0]):  # BEIR's header
        frame, grades = frame.iloc[1:], grades.iloc[1:]
    if not np.isfinite(grades).all():
        line = int(np.flatnonzero(~np.isfinite(grades))[0])
        raise InputError(f"{path}: row {int(frame.index[line]) + 1}: {frame.grade.iloc[line]!r} is no grade")
    return frame.astype({"query": str, "document": str}).assign(grade=grades.astype(np.float64))


def _separator(path: Path) -> str:
    """Tabs where the first line has any, since ids may hold spaces then; else any white space."""
    import gzip

    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        return "\t" if "\t" in file.readline() else r"\s+"


def read_galleries(path: Path) -> dict[str, list[str]]:
    """Query id → candidate ids, from Parquet or JSON lines with `query-id` and `corpus-ids` (mteb's `top_ranked`).

    Raises `InputError` naming the file, and queries with two galleries or a candidate twice.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_json(path, lines=True, dtype=False)
        rows = list(zip(frame["query-id"].astype(str), frame["corpus-ids"], strict=True))
    except (ValueError, OSError, KeyError) as error:
        raise InputError(f"{path}: no galleries with 'query-id' and 'corpus-ids': {error}") from None
    galleries = {query: [str(document) for document in documents] for query, documents in rows}
    if len(galleries) < len(rows):
        raise InputError(f"{path}: a query has two galleries")
    _refuse([query for query, documents in galleries.items() if len(set(documents)) < len(documents)], path)
    return galleries


def _refuse(queries: Sequence[str], path: Path) -> None:
    if queries:
        raise InputError(f"{path}: a candidate stands twice in the gallery of {first_ten(queries)}")
