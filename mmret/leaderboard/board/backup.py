"""A copy of a whole board, made while it works; it is a board too, so restoring is using it, or copying it back."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Select, Table, func, insert, select
from sqlalchemy.orm import InstrumentedAttribute

from ...errors import InputError, RunError
from .board import Board
from .database import Base, Benchmark, Import, Submission
from .files import Files
from .signing import key_path

ROWS = 5_000  # copied at a time
_PUBLIC = (Benchmark.ground_digest, Submission.file_digest, Import.file_digest)
_PRIVATE = (Benchmark.answers_digest, Submission.values_digest)


@dataclass(frozen=True)
class Copied:
    """How many files a copy holds, and what is said of those that the board itself has lost."""

    files: int
    lost: Sequence[str]


def back_up(board: Board, target: Path, database_url: str = "sqlite") -> Copied:
    """Copy a board as it is at one moment: all tables, the files that they name, and the key.

    Parameters
    ----------
    target: a folder that does not exist yet; it appears whole or not at all.
    database_url: of an empty PostgreSQL database for the copy, or "sqlite" for a file in `target`. So a board can also
        move from one kind of database to the other.

    Teams submit and workers score meanwhile; a worker that starts meanwhile waits. Raises `InputError` when the target
    is in use, `RunError` when the disk or a database takes no more.
    """
    if target.exists():
        raise InputError(f"{target}: it is there already; name a folder that is not")
    part = target.with_name(f"{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)  # of a backup that was killed
    try:
        # What the tables name as they are now is copied before anybody may sweep it.
        with board.files.held(), board.private.held(), Board.make(part, database_url) as copy:
            _copy_tables(board, copy)
            public = _copy_files(copy, board.files, copy.files, _PUBLIC)
            private = _copy_files(copy, board.private, copy.private, _PRIVATE)
        shutil.copy2(key_path(board.folder), key_path(part))
        part.replace(target)
    except OSError as error:
        raise RunError(f"{target}: the backup cannot be made: {error.strerror or error}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return Copied(public.files + private.files, [*public.lost, *private.lost])


def _copy_tables(board: Board, copy: Board) -> None:
    with board.reading() as source, copy.writing() as target:
        connection = target.connection()
        for table in Base.metadata.sorted_tables:
            if connection.scalar(select(func.count()).select_from(table)):
                raise InputError("the database for the copy is not empty: empty it, or name another")
            rows = source.execute(_in_order(table), execution_options={"yield_per": ROWS}).mappings()
            for some in rows.partitions():
                connection.execute(insert(table), [dict(row) for row in some])
            _count_on(connection, table)


def _in_order(table: Table) -> Select[Any]:
    """All rows, those that others of the table refer to first."""
    own = [column for column in table.c if any(key.column.table is table for key in column.foreign_keys)]
    return select(table).order_by(*[column.is_not(None) for column in own])


def _count_on(connection: Connection, table: Table) -> None:
    """Have PostgreSQL number new rows from the last one on, as SQLite does by itself."""
    column = table.autoincrement_column
    if column is not None and connection.dialect.name == "postgresql":
        counter = func.pg_get_serial_sequence(f'"{table.name}"', column.name)
        last = select(func.setval(counter, func.coalesce(func.max(column), 1), func.count(column) > 0))
        connection.execute(last.select_from(table))


def _copy_files(copy: Board, source: Files, target: Files, columns: Sequence[InstrumentedAttribute[Any]]) -> Copied:
    """Copy the files that the columns name in the copied tables."""
    with copy.reading() as session:
        named = sorted({digest for column in columns for digest in session.scalars(select(column)) if digest})
    lost = []
    for digest in named:
        try:
            path = source.checked(digest)
        except RunError as error:
            lost.append(str(error))
            continue
        with target.stage() as staged:
            shutil.copyfile(path, staged)
            target.keep(staged, digest)
    return Copied(len(named) - len(lost), lost)
