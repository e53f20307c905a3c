"""Runs: which score a system gave which document for which query, in memory and as Parquet or TREC files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..benchmarks import Benchmark, Ragged
from ..errors import InputError, RunError
from .protocols import Protocol

TREC_COLUMNS = ("query", "q0", "document", "rank", "score", "tag")


@dataclass(frozen=True)
class Run:
    """A system's answers.

    Parameters
    ----------
    queries, documents: ids; every query has its list, a document may be in none.
    lists: for each query the documents it was given, as positions in `documents`.
    scores: float32 or float64 `(entries,)`; higher is better, and nothing else decides: no rank, no order of lines.
    """

    queries: list[str]
    documents: list[str]
    lists: Ragged
    scores: NDArray[np.floating]

    def frame(self) -> pd.DataFrame:
        """Columns `query`, `document` (categories) and `score`."""
        rows = self.lists.rows.astype(np.int32)
        return pd.DataFrame(
            {
                "query": pd.Categorical.from_codes(rows, pd.Index(self.queries)),
                "document": pd.Categorical.from_codes(self.lists.positions, pd.Index(self.documents)),
                "score": self.scores,
            }
        )


def run_of(
    benchmark: Benchmark,
    protocol: Protocol,
    scores: NDArray[np.float32],
) -> Run:
    """The run of `scores` float32, those of all of a protocol's candidates, one query after the other."""
    gallery = protocol.candidates(benchmark)
    n = len(benchmark.queries)
    lists = gallery or Ragged.of([range(len(benchmark.documents))])
    if len(lists) == 1 and n > 1:
        lists = Ragged(np.arange(n + 1) * len(lists.positions), np.tile(lists.positions, n))
    if protocol.without_source and benchmark.source is not None:
        kept = benchmark.source[lists.rows] != lists.positions
        offsets = np.concatenate([[0], np.bincount(lists.rows[kept], minlength=n).cumsum()])
        lists, scores = Ragged(offsets, lists.positions[kept]), scores[kept]
    return Run([item.id for item in benchmark.queries], [item.id for item in benchmark.documents], lists, scores)


def read_run(path: Path) -> Run:
    """Read a run: Parquet with the columns `query`, `document`, `score`, or TREC's six columns, also gzipped.

    Raises `InputError` naming the file, and the line of a text file, that cannot be read.
    """
    import pyarrow as pa

    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        table = _read_parquet(path) if path.suffix == ".parquet" else _read_trec(path)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a run: {' '.join(str(error).split())}") from None
    if not table.num_rows:
        raise InputError(f"{path}: the run is empty")
    queries, query_of = _codes(table, "query")
    documents, document_of = _codes(table, "document")
    scores = table["score"].to_numpy()
    sizes = np.bincount(query_of, minlength=len(queries))
    if (query_of[1:] < query_of[:-1]).any():  # a query's lines do not stand together
        order = np.argsort(query_of, kind="stable")
        document_of, scores = document_of[order], scores[order]
    asked = np.flatnonzero(sizes)
    offsets = np.concatenate([[0], sizes[asked].cumsum()])
    return Run([queries[i] for i in asked], documents, Ragged(offsets, document_of), scores)


def _codes(table: Any, column: str) -> tuple[list[str], NDArray[np.int32]]:
    """The ids of a column, of which some may be in no line, and for each line the number of its id."""
    chunk = table[column].combine_chunks()
    if chunk.null_count:
        raise InputError(f"the column {column!r} of the run has empty cells")
    return list(map(str, chunk.dictionary.to_pylist())), chunk.indices.to_numpy().astype(np.int32, copy=False)


def _read_parquet(path: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(path, columns=["query", "document", "score"], read_dictionary=["query", "document"])
    if not pa.types.is_floating(table["score"].type):
        raise InputError(f"{path}: the column 'score' holds {table['score'].type}, not floating-point numbers")
    columns = [
        c if pa.types.is_dictionary(c.type) else c.cast(pa.string()).dictionary_encode() for c in table.columns[:2]
    ]
    return pa.table({"query": columns[0], "document": columns[1], "score": table["score"]}).unify_dictionaries()


def _read_trec(path: Path) -> Any:
    import pyarrow as pa
    from pyarrow import csv

    ids = pa.dictionary(pa.int32(), pa.string())
    for delimiter in " \t":
        try:
            table = csv.read_csv(
                pa.input_stream(str(path), compression="detect"),
                csv.ReadOptions(column_names=list(TREC_COLUMNS)),
                csv.ParseOptions(delimiter=delimiter, quote_char=False),
                csv.ConvertOptions(
                    include_columns=["query", "document", "score"],
                    column_types={"query": ids, "document": ids, "score": pa.float64()},
                    strings_can_be_null=False,
                    null_values=[],
                ),
            ).unify_dictionaries()
        except pa.ArrowInvalid:
            continue
        if all(_clean(table[column]) for column in ("query", "document")):
            return table
    return _read_uneven_trec(path)


def _clean(column: Any) -> bool:
    """Whether no id is empty or holds white space, as ids do where columns are parted in more than one way."""
    names = column.combine_chunks().dictionary.to_pylist()
    return all(name and not any(map(str.isspace, name)) for name in names)


def _read_uneven_trec(path: Path) -> Any:
    """Columns parted by any white space, line by line; the first line that has not six of them is named."""
    import gzip

    import pyarrow as pa

    queries, documents, scores = [], [], []
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        for number, line in enumerate(file, 1):
            fields = line.split()
            if not fields:
                continue
            try:
                query, _, document, _, score, _ = fields
                scores.append(float(score))
            except ValueError:
                columns = " ".join(TREC_COLUMNS)
                raise InputError(f"{path}:{number}: not the six columns {columns!r}: {line.strip()[:80]!r}") from None
            queries.append(query)
            documents.append(document)
    names = {"query": queries, "document": documents}
    return pa.table({k: pa.array(v, pa.string()).dictionary_encode() for k, v in names.items()} | {"score": scores})


def write_run(run: Run, path: Path, tag: str = "mmret") -> None:
    """Write a run as Parquet (`.parquet`) or as TREC's six columns (any other name; gzipped where it ends in `.gz`).

    The file appears whole or not at all. In the text form a query's lines are sorted by score, then by document.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".parquet":
            run.frame().to_parquet(part, index=False)
        else:
            _write_trec(run, part, tag, compressed=path.suffix == ".gz")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise RunError(f"{path}: the run cannot be written: {error.strerror or error}") from error


def _write_trec(run: Run, path: Path, tag: str, *, compressed: bool) -> None:
    import pyarrow as pa
    from pyarrow import csv

    n, rows = len(run.scores), run.lists.rows
    by_name = np.argsort(np.argsort(run.documents))  # place of each document in the order of the ids
    order = np.lexsort((by_name[run.lists.positions], -run.scores, rows))
    places = np.arange(n) - np.repeat(run.lists.offsets[:-1], run.lists.sizes) + 1
    columns = (
        pa.DictionaryArray.from_arrays(rows.astype(np.int32), run.queries).cast(pa.string()),
        pa.DictionaryArray.from_arrays(np.zeros(n, np.int8), ["Q0"]).cast(pa.string()),
        pa.DictionaryArray.from_arrays(run.lists.positions[order], run.documents).cast(pa.string()),
        pa.array(places),
        pa.array(run.scores[order]).cast(pa.string()),  # the shortest text that tells it from its neighbours
        pa.DictionaryArray.from_arrays(np.zeros(n, np.int8), [tag]).cast(pa.string()),
    )
    options = csv.WriteOptions(include_header=False, delimiter=" ", quoting_style="none")
    with pa.output_stream(str(path), compression="gzip" if compressed else None) as file:
        csv.write_csv(pa.table(dict(zip(TREC_COLUMNS, columns, strict=True))), file, options)
