"""Runs: which score a system gave which document for which query, in memory and as Parquet or TREC files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..benchmarks import Benchmark, Ragged
from ..errors import InputError, first_ten
from ..paths import StrPath
from ..vectors import offsets_of
from ..whole import whole
from .ids import Index
from .protocols import Protocol
from .texts import UNREADABLE, open_text

TREC_COLUMNS = ("query", "q0", "document", "rank", "score", "tag")
BATCH = 1 << 20  # lines of a Parquet file read at a time
PIECE = 1 << 24  # bytes of a text file read at a time, and the longest line
SHORTEST = 12  # bytes of a line of TREC's six columns
_WORD = re.compile(r"\S+")


@dataclass(frozen=True, repr=False)
class Run:
    """A system's answers.

    Parameters
    ----------
    queries, documents: ids; every query has its list, a document may be in none.
    lists: for each query the documents it was given, as positions in `documents`.
    scores: float32 or float64 `(entries,)`; higher is better, and nothing else decides: no rank, no order of lines.

    >>> import mmret
    >>> tables = mmret.load_benchmark("tarvir-mini", view="title=text,content=native")
    >>> run = mmret.evaluate(tables, "bm25", mmret.Settings(limit=30)).run
    >>> run
    <Run: 30 queries, 321 documents, 9,630 scores>
    >>> run.frame().columns.to_list()
    ['query', 'document', 'score']
    """

    queries: list[str]
    documents: list[str]
    lists: Ragged
    scores: NDArray[np.floating]

    def __repr__(self) -> str:
        return f"<Run: {len(self.queries):,} queries, {len(self.documents):,} documents, {len(self.scores):,} scores>"

    def frame(self) -> pd.DataFrame:
        """Columns `query`, `document` (categories) and `score`."""
        return pd.DataFrame(
            {
                "query": pd.Categorical.from_codes(_rows(self), pd.Index(self.queries)),
                "document": pd.Categorical.from_codes(self.lists.positions, pd.Index(self.documents)),
                "score": self.scores,
            }
        )


def run_of(
    benchmark: Benchmark,
    protocol: Protocol,
    scores: NDArray[np.float32],
    best: Ragged | None = None,
) -> Run:
    """The run of `scores` float32, one query after the other: those of all of a protocol's candidates, or of `best`."""
    gallery = best or protocol.candidates(benchmark)
    n = len(benchmark.queries)
    lists = gallery or Ragged.of([range(len(benchmark.documents))])
    if len(lists) == 1 and n > 1:
        lists = Ragged(np.arange(n + 1) * len(lists.positions), np.tile(lists.positions, n))
    if protocol.without_source and benchmark.source is not None:
        kept = benchmark.source[lists.rows] != lists.positions
        sizes = np.bincount(lists.rows[kept], minlength=n)
        lists, scores = Ragged(offsets_of(sizes), lists.positions[kept]), scores[kept]
    return Run([item.id for item in benchmark.queries], [item.id for item in benchmark.documents], lists, scores)


def read_run(path: StrPath) -> Run:
    """Read a run: Parquet with the columns `query`, `document`, `score`, or TREC's six columns, also gzipped.

    Parquet is known by its name or, under another one, by its first bytes.

    Raises `InputError` naming the file, and the line of a text file, that cannot be read.

    >>> import mmret
    >>> from pathlib import Path
    >>> _ = Path("run.txt").write_text("q1 Q0 a 1 0.9 mine\\nq1 Q0 b 2 0.4 mine\\n")
    >>> mmret.read_run("run.txt")
    <Run: 1 queries, 2 documents, 2 scores>
    """
    import pyarrow as pa

    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        rows = _read_parquet(path) if _is_parquet(path) else _read_trec(path)
    except (*UNREADABLE, pa.ArrowException) as error:
        raise InputError(f"{path}: not a run: {' '.join(str(error).split())}") from None
    if not rows.lines:
        raise InputError(f"{path}: the run is empty")
    return rows.run()


def _is_parquet(path: Path) -> bool:
    if path.suffix == ".parquet":
        return True
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


class _Rows:
    """The lines of a run, gathered batch by batch.

    There is room for `expected` lines from the start, because what is reserved and not used costs nothing; more find
    room too.
    """

    def __init__(self, expected: int) -> None:
        self.queries, self.documents = Index(), Index()
        self.stretches: list[NDArray[np.int32]] = []  # lines of one query that stand together: its number,
        self.lengths: list[NDArray[np.int64]] = []  # and how many they are
        self.lines, self.expected = 0, expected
        self.positions: NDArray[np.int32] = np.empty(0, np.int32)
        self.scores: NDArray[np.floating] = np.empty(0)

    def add(self, query: Any, document: Any, score: Any) -> None:
        """Arrow arrays, one entry a line: ids of any type, floating-point scores. Raises `ValueError` for null ids."""
        for name, column in (("query", query), ("document", document)):
            if column.null_count:
                raise ValueError(f"the column {name!r} has empty cells")
        if not len(score):
            return
        numbers = self.queries.encode(query)
        starts = np.concatenate([[0], np.flatnonzero(numbers[1:] != numbers[:-1]) + 1])
        self.stretches.append(numbers[starts])
        self.lengths.append(np.diff(starts, append=len(numbers)))
        values = score.to_numpy(zero_copy_only=False)
        new = slice(self.lines, self.lines + len(values))
        if new.stop > len(self.positions):
            room = max(self.expected, 2 * new.stop)
            self.positions, old = np.empty(room, np.int32), self.positions
            self.positions[: self.lines] = old[: self.lines]
            self.scores, before = np.empty(room, values.dtype), self.scores
            self.scores[: self.lines] = before[: self.lines]
        self.positions[new], self.scores[new] = self.documents.encode(document), values
        self.lines = new.stop

    def run(self) -> Run:
        """The lines, put together by query in the order in which the queries first appear."""
        stretch, lengths = np.concatenate(self.stretches), np.concatenate(self.lengths)
        positions, scores = self.positions[: self.lines], self.scores[: self.lines]
        sizes = np.zeros(len(self.queries), np.int64)
        np.add.at(sizes, stretch, lengths)
        if (stretch[1:] < stretch[:-1]).any():  # a query's lines do not stand together
            order = np.argsort(np.repeat(stretch, lengths), kind="stable")
            positions, scores = positions[order], scores[order]
        return Run(self.queries.ids, self.documents.ids, Ragged(offsets_of(sizes), positions), scores)


def _read_parquet(path: Path) -> _Rows:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = ["query", "document", "score"]
    with pq.ParquetFile(path, read_dictionary=columns[:2], pre_buffer=False) as file:
        lacking = [name for name in columns if name not in file.schema_arrow.names]
        if lacking:
            raise InputError(f"{path}: a run has the columns query, document and score; missing: {', '.join(lacking)}")
        kind = file.schema_arrow.field("score").type
        if not pa.types.is_floating(kind):
            raise InputError(f"{path}: the column 'score' holds {kind}, not floating-point numbers")
        rows = _Rows(file.metadata.num_rows)
        for batch in file.iter_batches(BATCH, columns=columns):
            rows.add(*(batch[name] for name in columns))
    return rows


def _read_trec(path: Path) -> _Rows:
    import pyarrow as pa
    from pyarrow import csv

    ids = pa.dictionary(pa.int32(), pa.string())
    for delimiter in " \t":
        rows = _Rows(path.stat().st_size // SHORTEST)
        options = csv.ParseOptions(delimiter=delimiter, quote_char=False)
        try:
            for piece in _pieces(path):
                table = csv.read_csv(
                    pa.BufferReader(pa.py_buffer(piece)),
                    csv.ReadOptions(column_names=list(TREC_COLUMNS), block_size=PIECE // 4),
                    options,
                    csv.ConvertOptions(
                        include_columns=["query", "document", "score"],
                        column_types={"query": ids, "document": ids, "score": pa.float64()},
                        strings_can_be_null=False,
                        null_values=[],
                    ),
                )
                for batch in table.to_batches():
                    rows.add(*batch.columns)
        except pa.ArrowInvalid:
            continue
        if all(map(_WORD.fullmatch, [*rows.queries.ids, *rows.documents.ids])):
            return rows
    return _read_uneven_trec(path)


def _pieces(path: Path) -> Iterator[memoryview]:
    """The text of a file, unzipped, in stretches of whole lines; each is overwritten by the next."""
    import pyarrow as pa

    room, rest = bytearray(PIECE), 0
    with pa.input_stream(str(path), compression="detect") as file, memoryview(room) as view:
        while read := file.readinto(view[rest:]):
            end = room.rfind(b"\n", 0, rest + read) + 1
            if end:
                yield view[:end]
            rest += read - end
            room[:rest] = room[end : end + rest]
            if rest == PIECE:
                raise InputError(f"{path}: not a run: a line of more than {PIECE:,} bytes")
        if rest:
            yield view[:rest]


def _read_uneven_trec(path: Path) -> _Rows:
    """Columns parted by any white space, line by line; the first line that has not six of them is named."""
    import pyarrow as pa

    queries, documents, scores = [], [], []
    with open_text(path) as file:
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
    rows = _Rows(len(scores))
    rows.add(pa.array(queries, pa.string()), pa.array(documents, pa.string()), pa.array(scores, pa.float64()))
    return rows


def write_run(run: Run, path: StrPath, tag: str = "mmret") -> None:
    """Write a run as Parquet (`.parquet`) or as TREC's six columns (any other name; gzipped where it ends in `.gz`).

    The file appears whole or not at all. In the text form a query's lines are sorted by score, then by document. Raises
    `InputError` for ids, or a `tag`, that the text form cannot hold, and `RunError` when the disk refuses.

    >>> import mmret
    >>> tables = mmret.load_benchmark("tarvir-mini", view="title=text,content=native")
    >>> result = mmret.evaluate(tables, "bm25", mmret.Settings(limit=30))
    >>> mmret.write_run(result.run, "run.txt.gz", tag="bm25")
    >>> mmret.read_run("run.txt.gz")
    <Run: 30 queries, 321 documents, 9,630 scores>
    """
    path = Path(path)
    if path.suffix != ".parquet":
        _refuse_spaces(path, [*run.queries, *run.documents, tag])
    with whole(path, "the run cannot be written") as part:
        if path.suffix == ".parquet":
            _write_parquet(run, part)
        else:
            _write_trec(run, part, tag, compressed=path.suffix == ".gz")


def _refuse_spaces(path: Path, fields: Sequence[str]) -> None:
    wrong = [repr(one) for one in fields if not _WORD.fullmatch(one)]
    if wrong:
        raise InputError(
            f"{path}: white space parts TREC's columns, so none may hold any, or be empty: {first_ten(wrong)}; "
            "name a .parquet file"
        )


def _write_parquet(run: Run, path: Path) -> None:
    """Ids by number and scores as they are: neither is to be guessed, packed or unpacked when the file is read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {
        "query": pa.DictionaryArray.from_arrays(_rows(run), run.queries),
        "document": pa.DictionaryArray.from_arrays(run.lists.positions, run.documents),
        "score": pa.array(run.scores),
    }
    pq.write_table(
        pa.table(columns),
        path,
        row_group_size=BATCH,
        use_dictionary=["query", "document"],
        compression={"query": "snappy", "document": "snappy", "score": "none"},
    )


def _rows(run: Run) -> NDArray[np.int32]:
    """For each entry the number of its query, int32 `(entries,)`."""
    return np.repeat(np.arange(len(run.queries), dtype=np.int32), run.lists.sizes)


def _write_trec(run: Run, path: Path, tag: str, *, compressed: bool) -> None:
    """Lines are joined here, because Arrow's own writer takes a quotation mark in an id for a fault."""
    import pyarrow as pa
    from pyarrow import compute

    n, rows = len(run.scores), _rows(run)
    by_name = np.argsort(np.argsort(run.documents))  # place of each document in the order of the ids
    order = np.lexsort((by_name[run.lists.positions], -run.scores, rows))
    places = np.arange(n) - np.repeat(run.lists.offsets[:-1], run.lists.sizes) + 1
    queries, documents = pa.array(run.queries, pa.string()), pa.array(run.documents, pa.string())
    with pa.output_stream(str(path), compression="gzip" if compressed else None) as file:
        for start in range(0, n, BATCH):
            some = slice(start, start + BATCH)
            lines = compute.binary_join_element_wise(
                queries.take(pa.array(rows[some])),
                "Q0",
                documents.take(pa.array(run.lists.positions[order[some]])),
                pa.array(places[some]).cast(pa.string()),
                pa.array(run.scores[order[some]]).cast(pa.string()),  # the shortest that tells it from its neighbours
                f"{tag}\n",
                " ",
            )
            file.write("".join(lines.to_pylist()).encode())
