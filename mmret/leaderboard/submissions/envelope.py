"""What a file claims to hold, looked at before anything in it is unpacked."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from .footer import Column, Footer, read_pages
from .form import CHUNK_BYTES, CODECS, COLUMNS, ENTRY, FOOTER_BYTES, GROUP_ROWS, GROUPS, PAGES, UNPACKED_BYTES
from .report import Fault, visible

_MAGIC = b"PAR1"
_FLOAT, _BYTE_ARRAY, _UTF8 = 4, 6, 0
_TYPES = {"query": (_BYTE_ARRAY, _UTF8), "document": (_BYTE_ARRAY, _UTF8), "score": (_FLOAT, None)}
_TOO_MUCH = (
    "unpacks-too-large",
    f"unpacked, a column of a row group must have at most {CHUNK_BYTES:,} bytes, and all {UNPACKED_BYTES:,}",
)


class RefusedError(Exception):
    """A file that cannot be read on, and why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.fault = Fault(code, "error", message)


def inspect(path: Path, max_bytes: int, max_entries: int) -> tuple[Footer, list[Fault]]:
    """The footer, and why the entries may not be read: they have another form, or unpack to more than is safe.

    Raises `RefusedError` where there is no footer.
    """
    try:
        with path.open("rb") as file:
            footer, end = _read_footer(file, max_bytes)
            faults = [*_column_faults(footer.columns), *_size_faults(footer, max_entries)]
            return footer, faults or list(_page_faults(file, footer, end))
    except OSError as error:
        raise RefusedError("unreadable", f"the file cannot be read: {error.strerror or error}") from None


def _read_footer(file: BinaryIO, max_bytes: int) -> tuple[Footer, int]:
    """The footer, and where it begins. Raises `RefusedError` where there is none."""
    size = file.seek(0, os.SEEK_END)
    if size > max_bytes:
        raise RefusedError("too-large", f"the file has {size:,} bytes; the most is {max_bytes:,}")
    if size < 12:
        raise RefusedError("not-parquet", f"the file has {size} bytes, too few for Parquet; make it: mmret submit pack")
    file.seek(0)
    head = file.read(4)
    file.seek(size - 8)
    length, tail = int.from_bytes(file.read(4), "little"), file.read(4)
    if head != _MAGIC or tail != _MAGIC:
        where = "begin" if head != _MAGIC else "end"
        raise RefusedError(
            "not-parquet", f"the file does not {where} as Parquet does: another kind of file, or cut short"
        )
    if length > min(FOOTER_BYTES, size - 12):
        raise RefusedError(
            "footer", f"a footer of {length:,} bytes in a file of {size:,}; the most is {FOOTER_BYTES:,}"
        )
    start = size - 8 - length
    file.seek(start)
    try:
        return Footer.read(file.read(length)), start
    except ValueError as error:
        raise RefusedError("footer", f"the footer cannot be read: {error}; pack the run again") from None


def _column_faults(columns: Sequence[Column]) -> Iterator[Fault]:
    """Whether there are the columns of a run, of their types, and no other."""
    if sorted(column.name for column in columns) != sorted(COLUMNS):
        shown = ", ".join(visible(column.name) for column in columns[:20]) or "none"
        yield Fault("columns", "error", f"the columns must be {', '.join(COLUMNS)}; the file has: {shown}")
        return
    for column in columns:
        if (column.kind, column.converted) != _TYPES[column.name] or column.repetition not in (0, 1):
            wanted = "float32" if column.name == "score" else "string"
            yield Fault("columns", "error", f"the column {column.name} must be of type {wanted}; pack the run again")


def _size_faults(footer: Footer, max_entries: int) -> Iterator[Fault]:
    """Whether what the footer claims is within bounds and does not contradict itself."""
    groups = footer.groups
    if footer.rows > max_entries:
        yield Fault("too-many-entries", "error", f"{footer.rows:,} entries; the most is {max_entries:,}")
    if footer.rows <= 0:
        yield Fault("empty", "error", "the run is empty")
    if len(groups) > GROUPS:
        yield Fault("too-many-groups", "error", f"{len(groups):,} row groups; the most is {GROUPS}")
    if any(not 0 < group.rows <= GROUP_ROWS for group in groups) or sum(one.rows for one in groups) != footer.rows:
        yield Fault("groups", "error", f"row groups must hold 1 to {GROUP_ROWS:,} entries and make up all of them")
    if any(len(group.chunks) != len(footer.columns) for group in groups):
        yield Fault("columns", "error", "a row group lacks columns, or has too many; pack the run again")
    chunks = [chunk for group in groups for chunk in group.chunks]
    if any(chunk.codec not in CODECS for chunk in chunks):
        yield Fault("codec", "error", f"columns must be packed with one of {', '.join(CODECS.values())}")
    if any(chunk.path for chunk in chunks) or [key for key, _ in footer.entries] not in ([], [ENTRY.encode()]):
        yield Fault("footer", "error", "the footer may name no other file and hold no entry but the description")
    if any(not 0 <= chunk.unpacked <= CHUNK_BYTES for chunk in chunks):
        yield Fault(_TOO_MUCH[0], "error", _TOO_MUCH[1])


def _page_faults(file: BinaryIO, footer: Footer, end: int) -> Iterator[Fault]:
    try:
        _check_place(footer, end)
        _check_pages(file, footer)
    except RefusedError as error:
        yield error.fault


def _check_place(footer: Footer, end: int) -> None:
    """Raise `RefusedError` where columns are not all of the file: they overlap, or something else lies between them."""
    at = len(_MAGIC)
    for chunk in sorted((chunk for group in footer.groups for chunk in group.chunks), key=lambda one: one.start):
        if chunk.start != at or chunk.end <= at:
            raise RefusedError(
                "pages", "columns must follow each other without gaps; cut short, or put together wrongly"
            )
        at = chunk.end
    if at != end:
        raise RefusedError("pages", "the footer must follow the columns; cut short, or put together wrongly")


def _check_pages(file: BinaryIO, footer: Footer) -> None:
    """Raise `RefusedError` where pages claim more than they may, or contradict the footer."""
    pages = unpacked = 0
    for group in footer.groups:
        for chunk in group.chunks:
            values = own = 0
            try:
                for page in read_pages(file, chunk.start, chunk.end):
                    pages, own = pages + 1, own + page.unpacked
                    values += 0 if page.is_dictionary else page.values
                    if pages > PAGES:
                        raise RefusedError("pages", f"more than {PAGES:,} pages")
            except ValueError as error:
                raise RefusedError(
                    "pages", f"the header of a page cannot be read: {error}; pack the run again"
                ) from None
            unpacked += own
            if own > CHUNK_BYTES or unpacked > UNPACKED_BYTES:
                raise RefusedError(*_TOO_MUCH)
            if not values == chunk.values == group.rows:
                raise RefusedError("pages", f"pages of {values:,} values in a row group of {group.rows:,} entries")
