"""The layout of the re-upload and of the small sets: Parquet files of corpus, queries, qrels and top_ranked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ...errors import InputError
from ...vectors import offsets_of
from ..draft import Fault
from ..ragged import Ragged
from .labels import Labels, query_id

CONFIGS = {
    "corpus": ["id"],
    "queries": ["id", "text", "source_id", "category", "slices"],
    "qrels": ["query-id", "corpus-id", "score"],
    "top_ranked": ["query-id", "corpus-ids"],
}
_OPTIONAL = {"category", "slices", "score"}  # "slices", a list of labels, is mmret's own
_ROWS = 64  # galleries read at a time


def read_reupload(folder: Path) -> Labels:
    """Read the four configurations; columns of media are never touched.

    Raises `InputError` for missing files and columns. Names that no document or query has are faults of the labels.
    """
    documents = pa.concat_arrays([batch["id"] for batch in _batches(folder, "corpus")]).cast(pa.string())
    queries = pa.Table.from_batches(list(_batches(folder, "queries"))).to_pydict()
    ids = pa.array(queries["id"], pa.string())
    names = [query_id(source, text) for source, text in zip(queries["source_id"], queries["text"], strict=True)]
    faults: list[Fault] = []
    source = _positions(pa.array(queries["source_id"], pa.string()), documents)
    faults += _strangers("source is no document", source, queries["source_id"], names)
    positives, gains = _positives(folder, ids, documents, names, faults)
    kinds = queries.get("category")
    return Labels(
        documents=documents.to_pylist(),
        source=source,
        source_id=queries["source_id"],
        text=queries["text"],
        positives=positives,
        gains=gains,
        galleries=_galleries(folder, ids, documents, names, faults),
        kind=[kind or "" for kind in kinds] if kinds else (),
        slices=queries.get("slices", ()),
        faults=faults,
    )


def _positives(
    folder: Path, ids: pa.Array, documents: pa.Array, names: Sequence[str], faults: list[Fault]
) -> tuple[Ragged, NDArray[np.float64]]:
    table = pa.Table.from_batches(list(_batches(folder, "qrels"))).combine_chunks()
    query, document = _positions(table["query-id"], ids), _positions(table["corpus-id"], documents)
    gains = table["score"].to_numpy().astype(np.float64) if "score" in table.column_names else np.ones(len(query))
    stray = np.flatnonzero(query < 0)
    if len(stray):
        raise InputError(f"{folder / 'qrels'}: {len(stray)} rows are of no query, first {table['query-id'][stray[0]]}")
    of_query = [names[i] for i in query]
    faults += _strangers("target is no document", document, table["corpus-id"].to_pylist(), of_query)
    known = document >= 0
    order = np.argsort(query[known], kind="stable")
    sizes = np.bincount(query[known], minlength=len(ids))
    return Ragged(offsets_of(sizes), document[known][order]), gains[known][order]


def _galleries(folder: Path, ids: pa.Array, documents: pa.Array, names: Sequence[str], faults: list[Fault]) -> Ragged:
    parts, sizes, owners = [np.zeros(0, np.int32)], [np.zeros(0, np.int64)], [np.zeros(0, np.int32)]
    for batch in _batches(folder, "top_ranked"):
        lists = batch["corpus-ids"]
        owner = _positions(batch["query-id"], ids)
        flat = _positions(lists.flatten(), documents)
        row = np.repeat(np.arange(len(lists)), lists.value_lengths().to_numpy())
        given = lists.flatten()
        for stranger in np.flatnonzero((flat < 0) & (owner[row] >= 0))[:1000].tolist():
            faults.append(_stranger("candidate is no document", names[owner[row[stranger]]], given[stranger]))
        parts.append(flat[flat >= 0])
        sizes.append(np.bincount(row[flat >= 0], minlength=len(lists)))
        owners.append(owner)
    read = Ragged(offsets_of(np.concatenate(sizes)), np.concatenate(parts))
    row_of = np.full(len(ids) + 1, -1)
    row_of[np.concatenate(owners)] = np.arange(len(read))  # a list of no query goes to the last place, and is dropped
    row_of = row_of[:-1]
    faults += [Fault("queries without a gallery", names[i]) for i in np.flatnonzero(row_of < 0).tolist()]
    empty = Ragged(np.append(read.offsets, read.offsets[-1]), read.positions)  # an empty list for a query without one
    return empty.moved(np.where(row_of < 0, len(read), row_of), np.arange(len(documents), dtype=np.int32))


def _strangers(kind: str, found: NDArray[np.int32], given: Sequence[str], queries: Sequence[str]) -> list[Fault]:
    return [_stranger(kind, queries[i], given[i]) for i in np.flatnonzero(found < 0).tolist()]


def _stranger(kind: str, query: str, name: object) -> Fault:
    return Fault(kind, query, str(name), f"{query}: {kind.replace(' is', f' {str(name)!r} is', 1)}")


def _positions(names: Any, known: pa.Array) -> NDArray[np.int32]:
    """Place of each name among the known ones, int32, -1 for none."""
    found = pc.fill_null(pc.index_in(names, value_set=known), -1)
    flat = found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
    return np.asarray(flat.to_numpy(zero_copy_only=False), np.int32)


def _batches(folder: Path, config: str) -> Iterator[pa.RecordBatch]:
    """The columns that are needed, some rows at a time, at least one row in all."""
    files = sorted((folder / config).glob("**/*.parquet"))
    if not files:
        raise InputError(f"{folder / config}: no Parquet file here; the layout needs {', '.join(CONFIGS)}")
    rows = 0
    for path in files:
        try:
            with pq.ParquetFile(path) as file:
                has = set(file.schema_arrow.names)
                lacking = [name for name in CONFIGS[config] if name not in has | _OPTIONAL]
                if lacking:
                    raise InputError(f"{path}: no column {', '.join(lacking)}; it has {', '.join(sorted(has))}")
                rows += file.metadata.num_rows
                yield from file.iter_batches(_ROWS, columns=[name for name in CONFIGS[config] if name in has])
        except pa.ArrowInvalid as error:
            raise InputError(f"{path}: not a Parquet file: {error}") from None
    if not rows:
        raise InputError(f"{folder / config}: the files hold no rows")
