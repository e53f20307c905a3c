"""Structs in Thrift's compact protocol, in which Parquet describes itself, read without trust.

Parquet's own readers are made for files that mean well: what a footer or the header of a page claims makes them reserve
memory, and some nonsense ends the process. So claims are read here first.
"""

from __future__ import annotations

from typing import Any

_TRUE, _FALSE, _BYTE, _INT16, _INT64, _DOUBLE, _BINARY, _LIST, _STRUCT = 1, 2, 3, 4, 6, 7, 8, 9, 12
_DEPTH = 10  # structs and lists within each other

Struct = dict[int, Any]


def read_struct(data: bytes) -> tuple[Struct, int]:
    """Number of the field → value of the struct at the beginning of some bytes, and how many bytes it takes.

    Values are bool, int, bytes, lists and structs; doubles, which Parquet does not use here, are None. Raises
    `ValueError` for what is no such struct.
    """
    return _struct(data, 0, _DEPTH)


def _struct(data: bytes, at: int, depth: int) -> tuple[Struct, int]:
    fields: Struct = {}
    number = 0
    while True:
        head, at = _byte(data, at)
        if head == 0:
            return fields, at
        if head >> 4:
            number += head >> 4
        else:
            number, at = _integer(data, at)
        if head & 15 in (_TRUE, _FALSE):
            fields[number] = head & 15 == _TRUE
        else:
            fields[number], at = _value(head & 15, data, at, depth)


def _value(kind: int, data: bytes, at: int, depth: int) -> tuple[Any, int]:
    if not depth:
        raise ValueError("structs within structs without end")
    if kind in (_TRUE, _FALSE, _BYTE):  # a truth value in a list takes a byte
        return _byte(data, at)
    if _INT16 <= kind <= _INT64:
        return _integer(data, at)
    if kind == _DOUBLE:
        return None, at + 8
    if kind == _BINARY:
        length, at = _varint(data, at)
        return data[at : at + length], at + length
    if kind == _LIST:
        return _list(data, at, depth - 1)
    if kind == _STRUCT:
        return _struct(data, at, depth - 1)
    raise ValueError(f"a value of the unknown kind {kind}")


def _list(data: bytes, at: int, depth: int) -> tuple[list[Any], int]:
    head, at = _byte(data, at)
    size = head >> 4
    if size == 15:
        size, at = _varint(data, at)
    if size > len(data) - at:
        raise ValueError("a list longer than its file")
    values = []
    for _ in range(size):
        value, at = _value(head & 15, data, at, depth)
        values.append(value)
    return values, at


def _byte(data: bytes, at: int) -> tuple[int, int]:
    if at >= len(data):
        raise ValueError("cut short")
    return data[at], at + 1


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Seven bits a byte, the lowest first."""
    value = 0
    for shift in range(0, 70, 7):
        byte, at = _byte(data, at)
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError("a number that is too long")


def _integer(data: bytes, at: int) -> tuple[int, int]:
    """Signed: 0, -1, 1, -2, … are written 0, 1, 2, 3, …"""
    value, at = _varint(data, at)
    return (value >> 1) ^ -(value & 1), at
