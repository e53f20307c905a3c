"""What a Parquet file says of itself, its footer and the headers of its pages, as plain values that nobody trusts yet.

Field numbers are those of `parquet.thrift`, the definition of the format.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Self

from .thrift import Struct, read_struct

HEADER_BYTES = 1 << 10  # of a page, the longest that is read
_PAGE_PARTS: dict[Any, int] = {0: 5, 2: 7, 3: 8}  # kind of page → field of its header that describes it
_DICTIONARY = 2


@dataclass(frozen=True)
class Column:
    """A column of the schema: type, repetition and converted type are numbers of the format; None where not said."""

    name: str
    kind: int | None
    repetition: int | None
    converted: int | None


@dataclass(frozen=True)
class Chunk:
    """A column in one row group: its codec, number of values, bytes unpacked, and the bytes it takes in the file."""

    codec: int
    values: int
    unpacked: int
    start: int
    end: int
    path: bytes


@dataclass(frozen=True)
class Group:
    """A row group: number of its rows, and its columns."""

    rows: int
    chunks: Sequence[Chunk]


@dataclass(frozen=True)
class Footer:
    """The footer; `entries` are keys and values of the file's metadata."""

    rows: int
    columns: Sequence[Column]
    groups: Sequence[Group]
    entries: Sequence[tuple[bytes, bytes]]

    @classmethod
    def read(cls, data: bytes) -> Self:
        """Read it. Raises `ValueError` where it is none, or lacks what it must say."""
        fields, length = read_struct(data)
        if length != len(data):
            raise ValueError("bytes behind its end")
        schema = [_struct(one) for one in _list(fields, 2)]
        return cls(
            _number(fields, 3),
            [_column(one) for one in schema[1:]],
            [_group(_struct(one)) for one in _list(fields, 4)],
            [(_bytes(one, 1), _bytes(one, 2)) for one in map(_struct, _list(fields, 5) if 5 in fields else [])],
        )


@dataclass(frozen=True)
class Page:
    """One page: the bytes it has unpacked, and how many values; those of a dictionary are no values of the column."""

    unpacked: int
    values: int
    is_dictionary: bool


def read_pages(file: BinaryIO, start: int, end: int) -> Iterator[Page]:
    """The pages between two bytes of a file. Raises `ValueError` for headers that make no sense."""
    while start < end:
        file.seek(start)
        header, length = read_struct(file.read(min(HEADER_BYTES, end - start)))
        kind, unpacked, size = (_number(header, field) for field in (1, 2, 3))
        if kind not in _PAGE_PARTS:
            raise ValueError(f"a page of the unknown kind {kind}")
        values = _number(_struct(header.get(_PAGE_PARTS[kind])), 1)
        start += length + size
        if min(unpacked, size, values) < 0 or start > end:
            raise ValueError("a page larger than its column")
        if kind == _DICTIONARY and 4 * values > unpacked:
            raise ValueError("a dictionary of more values than it has room for")
        yield Page(unpacked, values, kind == _DICTIONARY)


def _column(fields: Struct) -> Column:
    name = _bytes(fields, 4).decode("utf-8", "backslashreplace")
    return Column(name, *(_number(fields, field) if field in fields else None for field in (1, 3, 6)))


def _group(fields: Struct) -> Group:
    return Group(_number(fields, 3), [_chunk(_struct(one)) for one in _list(fields, 1)])


def _chunk(fields: Struct) -> Chunk:
    about = _struct(fields.get(3))
    start = _number(about, 9)
    if 11 in about:
        start = min(start, _number(about, 11))
    codec, values, unpacked, size = (_number(about, field) for field in (4, 5, 6, 7))
    return Chunk(codec, values, unpacked, start, start + size, _bytes(fields, 1) if 1 in fields else b"")


def _struct(value: Any) -> Struct:
    if not isinstance(value, dict):
        raise ValueError("it lacks what it must say")
    return value


def _number(fields: Struct, field: int) -> int:
    value = fields.get(field)
    if type(value) is not int:
        raise ValueError("it lacks a number that it must say")
    return value


def _list(fields: Struct, field: int) -> list[Any]:
    value = fields.get(field)
    if not isinstance(value, list):
        raise ValueError("it lacks a list that it must hold")
    return value


def _bytes(fields: Struct, field: int) -> bytes:
    value = fields.get(field)
    if not isinstance(value, bytes):
        raise ValueError("it lacks a text that it must hold")
    return value
