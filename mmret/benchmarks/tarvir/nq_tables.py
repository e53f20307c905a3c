"""The original NQ-TABLES: `interactions/{train,dev,test}.jsonl`, and its tables there or in `tables/tables.jsonl`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from ...errors import InputError, first_ten
from ..draft import Fault
from ..rows import Row, read_rows
from .fields import text_of
from .questions import Questions
from .records import Corpus, Grid, Positive, TableRecord


def is_nq_tables(folder: Path) -> bool:
    """Whether the layout is this one."""
    return bool(_splits(folder)) or next((folder / "interactions").glob("*.tfrecord*"), None) is not None


def read_nq_tables(folder: Path, split: str | None) -> Corpus:
    """Read a folder of JSON lines in the layout of the TAPAS repository.

    The corpus is `tables/tables.jsonl` where it is there, and else every table that an interaction of any split embeds.
    Raises `InputError` naming the line for a row that does not fit.
    """
    files, split = _splits(folder), split or "test"
    if not files:
        raise InputError(f"{folder / 'interactions'}: TFRecord files cannot be read; give the same as JSON lines")
    if split not in files:
        raise InputError(f"{folder / 'interactions'}: no split {split!r}; there are {first_ten(sorted(files))}")
    tables = next(
        (path for path in (folder / "tables" / "tables.jsonl", folder / "tables.jsonl") if path.is_file()), None
    )
    questions = Questions()
    for row in read_rows(files[split]):
        table = _part(row, "table")
        for question in _part(row, "questions", list):
            said = question if isinstance(question, dict) else {}
            name, text = said.get("id"), said.get("originalText") or said.get("text")
            if not isinstance(text, str) or not isinstance(name, str):
                raise InputError(f"{row.where}: a question must have 'id' and 'originalText'")
            questions.add(name, text, row.where)
            questions.answer(name, Positive((_id(table, row),), row.where))
    if tables is not None:
        return Corpus(lambda: _records(tables), questions.all(), questions.faults)
    embedded = [files[name] for name in sorted(files)]
    return Corpus(lambda: _embedded(embedded), questions.all(), [*questions.faults, *_contradictions(embedded)])


def _splits(folder: Path) -> dict[str, Path]:
    return {path.stem: path for path in sorted((folder / "interactions").glob("*.jsonl"))}


def _records(path: Path) -> Iterator[TableRecord]:
    for row in read_rows(path):
        yield _record(row.fields, row)


def _embedded(files: list[Path]) -> Iterator[TableRecord]:
    """Each table once: several interactions may be about it."""
    seen: set[str] = set()
    for path in files:
        for row in read_rows(path):
            record = _record(_part(row, "table"), row)
            if record.id not in seen:
                seen.add(record.id)
                yield record


def _contradictions(files: list[Path]) -> Iterator[Fault]:
    """Tables that are embedded twice, with different cells."""
    digests: dict[str, bytes] = {}
    for path in files:
        for row in read_rows(path):
            record = _record(_part(row, "table"), row)
            if digests.setdefault(record.id, record.digest) != record.digest:
                where = f"{row.where}: table {record.id!r} has other cells than before"
                yield Fault("table embedded with different cells", document=record.id, where=where)


def _record(table: Mapping[str, Any], row: Row) -> TableRecord:
    try:
        headers = [cell.get("text", "") for cell in table.get("columns", ())]
        rows = [[cell.get("text", "") for cell in line.get("cells", ())] for line in table.get("rows", ())]
    except (AttributeError, TypeError):
        raise InputError(f"{row.where}: 'columns' must hold cells, and 'rows' objects with 'cells'") from None
    if not set(map(type, chain(headers, *rows))) <= {str}:
        raise InputError(f"{row.where}: the 'text' of each cell must be text")
    return TableRecord(_id(table, row), text_of(table.get("documentTitle")), Grid(headers, rows))


def _id(table: Mapping[str, Any], row: Row) -> str:
    name = table.get("tableId")
    if not isinstance(name, str) or not name:
        raise InputError(f"{row.where}: the table has no 'tableId'; its fields are {', '.join(table)}")
    return name


def _part(row: Row, key: str, kind: type = dict) -> Any:
    part = row.fields.get(key)
    if not isinstance(part, kind):
        raise InputError(f"{row.where}: {key!r} must be {'a list' if kind is list else 'an object'}")
    return part
