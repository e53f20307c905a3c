"""The pages of a Parquet file as their headers describe them, read before any of them is unpacked.

The footer says how large a column is unpacked, but a reader reserves what the header of each page claims; so those are
what must be bounded. Headers are structs of Thrift's compact protocol (`PageHeader` of the Parquet format).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

HEADER_BYTES = 1 << 13  # the longest header that is read
_DEPTH = 4
_TRUE, _FALSE, _BYTE, _INT16, _INT64, _BINARY, _STRUCT = 1, 2, 3, 4, 6, 8, 12
_DATA, _DICTIONARY, _DATA_V2 = 0, 2, 3
_PARTS: dict[Any, int] = {_DATA: 5, _DICTIONARY: 7, _DATA_V2: 8}  # kind of page → field of the header that describes it


@dataclass(frozen=True)
class Page:
    """One page: where its content begins, its size there and unpacked, in bytes, and how many values it claims."""

    start: int
    size: int
    unpacked: int
    values: int
    is_dictionary: bool


def read_pages(file: BinaryIO, start: int, end: int) -> Iterator[Page]:
    """The pages of a column between two bytes of a file. Raises `ValueError` for headers that make no sense."""
    while start < end:
        file.seek(start)
        header, length = _struct(file.read(min(HEADER_BYTES, end - start)), 0, _DEPTH)
        kind, unpacked, size = (header.get(field) for field in (1, 2, 3))
        part = header.get(_PARTS.get(kind, -1))
        values = part.get(1) if isinstance(part, dict) else None
        if not isinstance(unpacked, int) or not isinstance(size, int) or not isinstance(values, int):
            raise ValueError("the header of a page lacks what it must say")
        start += length + size
        if min(unpacked, size, values) < 0 or start > end:
            raise ValueError("a page is larger than its column")
        if kind == _DICTIONARY and 4 * values > unpacked:
            raise ValueError("a dictionary claims more values than it has room for")
        yield Page(start - size, size, unpacked, values, kind == _DICTIONARY)


def _struct(data: bytes, at: int, depth: int) -> tuple[dict[int, Any], int]:
    """Field → value of the struct at a byte, and where it ends."""
    if not depth:
        raise ValueError("the header of a page is nested too deeply")
    fields: dict[int, Any] = {}
    number = 0
    while True:
        head, at = _byte(data, at)
        if head == 0:
            return fields, at
        kind, step = head & 15, head >> 4
        if step:
            number += step
        else:
            number, at = _integer(data, at)
        fields[number], at = _value(kind, data, at, depth)


def _value(kind: int, data: bytes, at: int, depth: int) -> tuple[Any, int]:
    if kind in (_TRUE, _FALSE):
        return kind == _TRUE, at
    if kind == _BYTE:
        return _byte(data, at)
    if _INT16 <= kind <= _INT64:
        return _integer(data, at)
    if kind == _BINARY:
        length, at = _varint(data, at)
        return None, at + length
    if kind == _STRUCT:
        return _struct(data, at, depth - 1)
    raise ValueError("the header of a page holds what none may")


def _byte(data: bytes, at: int) -> tuple[int, int]:
    if at >= len(data):
        raise ValueError("the header of a page is cut short")
    return data[at], at + 1


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Seven bits a byte, the lowest first."""
    value = 0
    for shift in range(0, 70, 7):
        byte, at = _byte(data, at)
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError("a number in the header of a page is too long")


def _integer(data: bytes, at: int) -> tuple[int, int]:
    """Signed: 0, -1, 1, -2, … are 0, 1, 2, 3, …"""
    value, at = _varint(data, at)
    return (value >> 1) ^ -(value & 1), at
