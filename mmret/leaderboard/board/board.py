"""A board: one database and one folder of files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from sqlalchemy import URL, Engine, create_engine, event, exc, make_url, select
from sqlalchemy.orm import Session

from ...errors import InputError, RunError
from .database import Base
from .files import Files
from .schema import schema_of, upgrade
from .signing import make_key

DATABASE = "MMRET_BOARD_DATABASE"
BUSY = 30  # seconds that one who wants to write to SQLite waits for another
CONNECTIONS = 40  # at most, a process
NEWER = "its tables are those of a newer mmret; update mmret"


class Board:
    """The state of a board; make it with `Board.make`, get at it with `Board.open`.

    Objects read in a session can be used, but not changed, after it has ended.

    Parameters
    ----------
    url: of the database; it may hold a password and is never shown.
    folder: `files/`: submissions and what is asked, and `private/`: labels, values of single queries, keys.
    """

    def __init__(self, url: URL, folder: Path) -> None:
        self.url, self.folder = url, folder
        self.files = Files(folder / "files")
        self.private = Files(folder / "private")
        self.engine = _engine(url)
        snapshot = {} if self.engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
        self._reader = self.engine.execution_options(postgresql_readonly=True, **snapshot)
        self._writer = self.engine.execution_options(writes=True)

    def __repr__(self) -> str:
        return f"Board({str(self.folder)!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @classmethod
    def open(cls, folder: Path, database_url: str | None = None) -> Self:
        """The board in a folder.

        Parameters
        ----------
        database_url: of PostgreSQL, or "sqlite" for SQLite in the folder; else the environment variable
            `MMRET_BOARD_DATABASE`, else SQLite.

        Raises `InputError` naming the command that helps where there is no board, or an older one; `RunError` when the
        database does not answer.
        """
        url = _url(folder, database_url)
        make = f"mmret board init {folder}"
        way_out = {
            "none": f"its database has no tables yet; make them: {make}",
            "old": f"its tables are those of an older mmret; bring them up to date: {make}",
            "newer": NEWER,
        }
        with cls(url, folder)._unless_fails() as board:
            if url.drivername == "sqlite" and not Path(str(url.database)).is_file():
                raise InputError(f"{folder}: there is no board here; make one: {make}")
            if not (board.files.is_made() and board.private.is_made()):
                raise InputError(f"{folder}: folders of the board are missing; make them: {make}")
            with board.reading() as session:
                schema = schema_of(session.connection())
            if schema != "current":
                raise InputError(f"{folder}: {way_out[schema]}")
            return board

    @classmethod
    def make(cls, folder: Path, database_url: str | None = None) -> Self:
        """Make a board, or bring the tables of an older one up to date; parameters as in `open`."""
        with cls(_url(folder, database_url), folder)._unless_fails() as board:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                board.files.make()
                board.private.make()
                if board.url.drivername == "sqlite":
                    Path(str(board.url.database)).touch(mode=0o600)
                make_key(folder)
            except OSError as error:
                raise RunError(f"{folder}: the board cannot be made: {error.strerror or error}") from error
            with board.writing() as session:
                if schema_of(session.connection()) == "newer":
                    raise InputError(f"{folder}: {NEWER}")
                upgrade(session.connection())
            return board

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one moment of the database and changes nothing."""
        with self._told(), Session(self._reader, expire_on_commit=False, autoflush=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session whose changes are made together at its end, or not at all when an error leaves it."""
        with self._told(), Session(self._writer, expire_on_commit=False) as session, session.begin():
            yield session

    def sweep(self) -> int:
        """Remove the files that no row names, which killed processes left behind; how many they were."""
        return self.files.sweep(self._named) + self.private.sweep(self._named)

    def _named(self) -> set[str]:
        """The digests in all rows of all tables, by the names of their columns: a file of any of them stays."""
        columns = [one for table in Base.metadata.sorted_tables for one in table.c if one.name.endswith("_digest")]
        with self.reading() as session:
            return {digest for column in columns for digest in session.scalars(select(column))}

    @contextmanager
    def _unless_fails(self) -> Iterator[Self]:
        """Itself, closed when an error leaves it."""
        try:
            yield self
        except BaseException:
            self.close()
            raise

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (exc.DatabaseError, exc.InterfaceError, exc.TimeoutError) as error:  # a damaged file, no free connection
            if isinstance(error, exc.DataError | exc.IntegrityError | exc.NotSupportedError | exc.ProgrammingError):
                raise  # the database works, and refuses what was asked
            reason = " ".join(str(getattr(error, "orig", error)).split())
            if self.url.password:
                reason = reason.replace(str(self.url.password), "***")
            raise RunError(f"{self.folder}: the database failed: {reason}") from None


def _url(folder: Path, given: str | None) -> URL:
    text = given or os.environ.get(DATABASE)
    if not text or text == "sqlite":
        return URL.create("sqlite", database=str(folder / "board.sqlite3"))
    try:
        url = make_url(text)
    except (exc.ArgumentError, ValueError):  # whose words may hold a part of the password
        url = None
    if url is None or url.get_backend_name() not in ("postgresql", "postgres") or "@" in (url.host or ""):
        raise InputError(
            f"the URL of a database, as in {DATABASE}, is of the form postgresql://USER:PASSWORD@HOST/NAME, "
            "with :, / and @ in the password written as %3A, %2F and %40"
        )
    return url.set(drivername="postgresql+psycopg")


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_size=CONNECTIONS // 4, max_overflow=CONNECTIONS * 3 // 4, pool_pre_ping=True)
    engine = create_engine(
        url, pool_size=CONNECTIONS // 4, max_overflow=CONNECTIONS * 3 // 4, connect_args={"timeout": BUSY}
    )

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: object) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver's guess
        for setting in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {setting}")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        # Who will write waits for others at the beginning: one that has read cannot wait any more.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")

    return engine
