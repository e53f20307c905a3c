"""The form of a submission: a run as Parquet, its description in the footer, and no more than can be read safely.

Columns `query` and `document`, ids by dictionary, and `score`, float32; rows in ascending order of query, then of
document. `mmret.evaluation.read_run` reads it as any other run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import RunError
from ...evaluation.runs import Run
from .description import Description

COLUMNS = ("query", "document", "score")
ENTRY = "mmret.submission"  # key of the description in the footer
SUFFIX = ".submission.parquet"
PARQUET = "application/vnd.apache.parquet"  # media type
CODECS = {0: "uncompressed", 1: "snappy", 6: "zstd"}
GROUP_ROWS = 1 << 20  # entries of a row group; with the next, what is unpacked at a time
CHUNK_BYTES = 1 << 26  # of one column in one row group, unpacked
UNPACKED_BYTES = 1 << 31  # of a file, unpacked
GROUPS = 256  # row groups of a file
PAGES = 5_000  # pages of a file
FOOTER_BYTES = 1 << 20
DESCRIPTION_BYTES = 1 << 16
RECORD = np.dtype([("query", "<u8"), ("document", "<u8"), ("score", "<f4")])  # an entry, as it is digested


def run_digest(run: Run) -> str:
    """SHA-256 (hex) over the ids and scores (as float32) of a run, whatever the order of its rows."""
    whole = hashlib.sha256()
    queries, documents = id_digests(run.queries), id_digests(run.documents)
    for some in _blocks(in_order(run)):
        whole.update(records(queries[some[0]], documents[some[1]], some[2]))
    return whole.hexdigest()


def id_digests(ids: Sequence[str]) -> NDArray[np.uint64]:
    """The first eight bytes of each id's SHA-256, little-endian, uint64 `(ids,)`."""
    heads = b"".join(hashlib.sha256(one.encode("utf-8", "surrogatepass")).digest()[:8] for one in ids)
    return np.frombuffer(heads, "<u8")


def records(queries: NDArray[np.uint64], documents: NDArray[np.uint64], scores: NDArray[np.floating]) -> memoryview:
    """What is digested of entries: id digests uint64 `(n,)` each, and scores `(n,)`."""
    entries = np.empty(len(scores), RECORD)
    entries["query"], entries["document"], entries["score"] = queries, documents, scores
    return entries.view(np.uint8).data


Entries = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.floating]]


def in_order(run: Run) -> Entries:
    """Query and document, as positions among the ids, and score of each entry, ordered by the two ids; `(entries,)`."""
    of_query, of_document = _ranks(run.queries), _ranks(run.documents)
    rows = run.lists.rows
    # Stable sorting takes next to no time for what is in order already, as the run of an evaluation is.
    order = np.argsort(of_query[rows] * len(run.documents) + of_document[run.lists.positions], kind="stable")
    return rows[order], run.lists.positions[order], run.scores[order]


def write(run: Run, description: Description, path: Path) -> None:
    """Write a submission, whole or not at all. Raises `RunError` when the disk refuses."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    ids = pa.dictionary(pa.int32(), pa.string())
    types = zip(COLUMNS, (ids, ids, pa.float32()), strict=True)
    schema = pa.schema([pa.field(name, kind, nullable=False) for name, kind in types])
    queries, documents = pa.array(run.queries), pa.array(run.documents)
    part = path.with_name(f"{path.name}.part")
    try:
        with pq.ParquetWriter(
            part,
            schema,
            compression="zstd",
            use_dictionary=["query", "document"],
            dictionary_pagesize_limit=CHUNK_BYTES,
            column_encoding={"score": "BYTE_STREAM_SPLIT"},
            write_statistics=False,
            write_page_checksum=True,
            store_schema=False,
        ) as writer:
            for some in _blocks(in_order(run)):
                columns = [
                    pa.DictionaryArray.from_arrays(some[0].astype(np.int32), queries),
                    pa.DictionaryArray.from_arrays(some[1], documents),
                    pa.array(some[2].astype(np.float32)),
                ]
                writer.write_table(pa.table(columns, schema), row_group_size=GROUP_ROWS)
            writer.add_key_value_metadata({ENTRY: description.model_dump_json()})
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise RunError(f"{path}: the submission cannot be written: {error.strerror or error}") from error


def _ranks(ids: Sequence[str]) -> NDArray[np.int64]:
    """Place of each id in the order of the ids, int64 `(ids,)`."""
    ranks = np.empty(len(ids), np.int64)
    ranks[sorted(range(len(ids)), key=ids.__getitem__)] = np.arange(len(ids))
    return ranks


def _blocks(entries: Entries) -> Iterator[Entries]:
    """As many entries at a time as a row group holds."""
    for start in range(0, len(entries[0]), GROUP_ROWS):
        some = slice(start, start + GROUP_ROWS)
        yield entries[0][some], entries[1][some], entries[2][some]
