"""Rows out of JSON, JSON lines, Parquet and tab-separated files, one at a time, each with the place where it stands."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import InputError

KEY, VALUE = "@key", "@value"  # the fields that stand for the key and for a bare value, in an object keyed by id
SUFFIXES = (".parquet", ".jsonl", ".json", ".tsv")
_FIRST_LINE = 1 << 24
_POINTER = b"version https://git-lfs"


class Row(NamedTuple):
    """A row: where it stands, for messages, and its fields."""

    where: str
    fields: dict[str, Any]


def read_rows(path: Path, columns: Sequence[str] | None = None) -> Iterator[Row]:
    """All rows of a file. Raises `InputError` naming file and place for what cannot be read.

    Parameters
    ----------
    columns: of a Parquet file, those to read; all when None.
    """
    try:
        if path.suffix == ".parquet":
            yield from _parquet(path, columns)
        elif path.suffix == ".tsv":
            yield from _tsv(path)
        else:
            yield from _json(path)
    except FileNotFoundError:
        raise InputError(f"{path}: the file is missing") from None
    except OSError as error:
        raise InputError(f"{path}: the file cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8: {error}") from None


def sample(path: Path) -> Row | None:
    """One row for the fields of the first hundred, with a value wherever one of them has one; None for no row."""
    rows = list(islice(read_rows(path), 100))
    if not rows:
        return None
    fields: dict[str, Any] = {}
    for row in rows:
        fields |= {name: value for name, value in row.fields.items() if fields.get(name) is None}
    return Row(rows[0].where, fields)


def _json(path: Path) -> Iterator[Row]:
    """An array of objects, one object keyed by id, or one object a line."""
    with path.open("rb") as file:
        start = file.readline(_FIRST_LINE)
        if start.startswith(_POINTER):
            raise InputError(f"{path}: a pointer of Git LFS and not the file itself; fetch it: git lfs pull")
        is_lines = path.suffix == ".jsonl" or (_is_object(start) and bool(file.read(1)))
        bare = start.strip()[:1]
    if is_lines:
        yield from _lines(path)
    elif bare in (b"[", b"{"):
        yield from _whole(path, array=bare == b"[")
    else:
        raise InputError(f"{path}: neither a JSON array nor a JSON object" if bare else f"{path}: the file is empty")


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _lines(path: Path) -> Iterator[Row]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                fields = json.loads(line)
            except ValueError as error:
                raise InputError(f"{path}:{number}: not JSON: {error}") from None
            if not isinstance(fields, dict):
                raise InputError(f"{path}:{number}: not a JSON object")
            yield Row(f"{path}:{number}", fields)


def _whole(path: Path, *, array: bool) -> Iterator[Row]:
    """One big value, never held as a whole."""
    import ijson

    with path.open("rb") as file:
        try:
            if array:
                for number, value in enumerate(ijson.items(file, "item", use_float=True)):
                    yield Row(f"{path}[{number}]", _fields(value))
            else:
                for key, value in ijson.kvitems(file, "", use_float=True):
                    yield Row(f"{path}[{key!r}]", {KEY: key} | _fields(value))
        except ijson.JSONError as error:
            raise InputError(f"{path}: not JSON, or cut short: {' '.join(str(error).split())[:200]}") from None


def _fields(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {VALUE: value}


def _parquet(path: Path, columns: Sequence[str] | None) -> Iterator[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            number = 0
            for batch in file.iter_batches(64, columns=columns):  # a row may hold a picture of megabytes
                for fields in batch.to_pylist():
                    yield Row(f"{path}[{number}]", fields)
                    number += 1
    except pa.ArrowInvalid as error:
        raise InputError(f"{path}: not a Parquet file, or cut short: {error}") from None


def _tsv(path: Path) -> Iterator[Row]:
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)  # a quote is part of an id
        for fields in reader:
            if None in fields or None in fields.values():
                raise InputError(f"{path}:{reader.line_num}: not {len(reader.fieldnames or ())} columns parted by tabs")
            yield Row(f"{path}:{reader.line_num}", fields)
