"""What a file claims to hold, looked at before anything in it is unpacked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from .form import CHUNK_BYTES, CODECS, COLUMNS, ENTRY, FOOTER_BYTES, GROUP_ROWS, GROUPS, PAGES, UNPACKED_BYTES
from .pages import read_pages
from .report import Fault, visible

_MAGIC = b"PAR1"


class RefusedError(Exception):
    """A file that cannot be read on, and why."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(*map(str, faults))
        self.faults = list(faults)


def refused(code: str, message: str) -> RefusedError:
    """A refusal for one reason."""
    return RefusedError(Fault(code, "error", message))


def open_safely(path: Path, max_bytes: int, max_entries: int) -> Any:
    """The file as a `pyarrow.parquet.ParquetFile` that may be read: it has the form, and unpacks to no more than that.

    Raises `RefusedError`.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with path.open("rb") as raw:
            size = _check_ends(raw, max_bytes)
            file = pq.ParquetFile(
                path,
                read_dictionary=COLUMNS[:2],
                pre_buffer=False,
                thrift_string_size_limit=FOOTER_BYTES,
                thrift_container_size_limit=4 * GROUPS,
                page_checksum_verification=True,
            )
            faults = [*_column_faults(file.schema_arrow), *_size_faults(file.metadata, max_entries)]
            if faults:
                raise RefusedError(*faults)
            _check_pages(raw, file.metadata, size)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise refused("footer", f"the footer cannot be read: {_said(error)}; pack the run again") from None
    return file


def description_of(file: Any) -> bytes | None:
    """The description as it stands in the footer; None where there is none."""
    found: bytes | None = (file.metadata.metadata or {}).get(ENTRY.encode())
    return found


def _said(error: Exception) -> str:
    return visible(" ".join(str(error).split()))


def _check_ends(raw: BinaryIO, max_bytes: int) -> int:
    """Size of the file. Raises `RefusedError` where it is too large or its ends are not those of a Parquet file."""
    size = raw.seek(0, os.SEEK_END)
    if size > max_bytes:
        raise refused("too-large", f"the file has {size:,} bytes; the most is {max_bytes:,}")
    if size < 12:
        raise refused("not-parquet", f"the file has {size} bytes, too few for Parquet; make it: mmret submit pack")
    raw.seek(0)
    start = raw.read(4)
    raw.seek(size - 8)
    footer, end = int.from_bytes(raw.read(4), "little"), raw.read(4)
    if start != _MAGIC or end != _MAGIC:
        where = "begin" if start != _MAGIC else "end"
        raise refused("not-parquet", f"the file does not {where} as Parquet does: another kind of file, or cut short")
    if footer > min(FOOTER_BYTES, size - 12):
        raise refused("footer", f"a footer of {footer:,} bytes in a file of {size:,}; the most is {FOOTER_BYTES:,}")
    return size


def _column_faults(schema: Any) -> Iterator[Fault]:
    """Whether there are the columns of a run, of their types, and no other."""
    import pyarrow as pa

    if sorted(schema.names) != sorted(COLUMNS):
        shown = ", ".join(map(visible, schema.names[:20])) or "none"
        yield Fault("columns", "error", f"the columns must be {', '.join(COLUMNS)}; the file has: {shown}")
        return
    ids = pa.dictionary(pa.int32(), pa.string())
    for name, kind, wanted in zip(COLUMNS, (ids, ids, pa.float32()), ("string", "string", "float32"), strict=True):
        if schema.field(name).type != kind:
            yield Fault("columns", "error", f"the column {name} must be of type {wanted}; pack the run again")


def _size_faults(metadata: Any, max_entries: int) -> Iterator[Fault]:
    """Whether what the footer claims is within bounds and does not contradict itself."""
    rows, groups = metadata.num_rows, metadata.num_row_groups
    if rows > max_entries:
        yield Fault("too-many-entries", "error", f"{rows:,} entries; the most is {max_entries:,}")
    if rows <= 0:
        yield Fault("empty", "error", "the run is empty")
    if groups > GROUPS:
        yield Fault("too-many-groups", "error", f"{groups:,} row groups; the most is {GROUPS}")
        return
    found = [metadata.row_group(i) for i in range(groups)]
    if any(not 0 < group.num_rows <= GROUP_ROWS for group in found) or sum(g.num_rows for g in found) != rows:
        yield Fault("groups", "error", f"row groups must hold 1 to {GROUP_ROWS:,} entries and make up all of them")
    chunks = [group.column(i) for group in found for i in range(group.num_columns)]
    if any(chunk.compression not in CODECS for chunk in chunks):
        yield Fault("codec", "error", f"columns must be packed with one of {', '.join(CODECS).lower()}")
    if any(chunk.file_path for chunk in chunks):
        yield Fault("footer", "error", "columns must lie in the file itself")
    sizes = [chunk.total_uncompressed_size for chunk in chunks]
    if any(not 0 <= size <= CHUNK_BYTES for size in sizes) or sum(sizes) > UNPACKED_BYTES:
        yield _too_much()


def _too_much() -> Fault:
    return Fault(
        "unpacks-too-large",
        "error",
        f"unpacked, a column of a row group must have at most {CHUNK_BYTES:,} bytes, and all {UNPACKED_BYTES:,}",
    )


def _check_pages(raw: BinaryIO, metadata: Any, size: int) -> None:
    """Raise `RefusedError` where pages lie outside the file, claim more than they may, or contradict the footer."""
    pages = unpacked = 0
    for chunk in _chunks(metadata):
        start = chunk.data_page_offset
        if chunk.has_dictionary_page:
            start = min(start, chunk.dictionary_page_offset)
        end = start + chunk.total_compressed_size
        if not 4 <= start < end <= size - 8:
            raise refused("pages", "a column lies outside the file: cut short, or put together wrongly")
        values = own = 0
        try:
            for page in read_pages(raw, start, end):
                pages, own = pages + 1, own + page.unpacked
                values += 0 if page.is_dictionary else page.values
                if pages > PAGES:
                    raise refused("pages", f"more than {PAGES:,} pages")
        except ValueError as error:
            raise refused("pages", f"{error}; pack the run again") from None
        unpacked += own
        if own > CHUNK_BYTES or unpacked > UNPACKED_BYTES:
            raise RefusedError(_too_much())
        if values != chunk.num_values:
            raise refused("pages", f"pages hold {values:,} values where the footer says {chunk.num_values:,}")


def _chunks(metadata: Any) -> Iterator[Any]:
    for i in range(metadata.num_row_groups):
        group = metadata.row_group(i)
        for j in range(group.num_columns):
            chunk = group.column(j)
            if chunk.num_values != group.num_rows:
                raise refused("pages", f"a column of {chunk.num_values:,} values in {group.num_rows:,} entries")
            yield chunk
