"""The page of the tables: one benchmark and protocol at a time, a table for each track unless one for all is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Self

from markupsafe import Markup

from ....errors import InputError
from ....evaluation.protocols import PROTOCOLS
from ....evaluation.summary import ALL
from ...board import Board
from ...board.benchmarks import benchmarks
from ...board.database import Benchmark
from ...board.rows import TRACKS, Row, Table, ordered, table
from .charts import charts
from .compare import MOST
from .downloads import FORMS
from .query import Query
from .render import html
from .tables import columns_of, lines_of

if TYPE_CHECKING:
    from ...explorer.boards import BoardExplorer


@dataclass(frozen=True)
class View:
    """What of a benchmark is shown.

    Parameters
    ----------
    slice: by whose figures systems are ranked.
    tracks: those that are shown.
    together: whether they are ranked in one table.
    """

    benchmark: str
    protocol: str
    measure: str
    slice: str
    tracks: tuple[str, ...]
    together: bool

    @classmethod
    def of(cls, query: Query, benchmark: Benchmark) -> Self:
        """The view that an address asks for; raises `InputError` for names that the benchmark does not know."""
        return cls(
            benchmark.id,
            query.one("protocol", benchmark.protocols, benchmark.main_protocol),
            query.one("measure", benchmark.measures, benchmark.main_measure),
            query.one("slice", [ALL, *benchmark.slices], ALL),
            tuple(query.several("track", TRACKS)) or TRACKS,
            query.one("together", ["yes"], "") == "yes",
        )


@dataclass(frozen=True)
class Shown:
    """A view of a table, told apart by the board and what the table was made of."""

    board: Board
    generation: int
    view: View
    benchmark: Benchmark = field(compare=False)
    table: Table = field(compare=False)
    explored: int = 0  # rows whose answers can be seen side by side


@dataclass(frozen=True)
class Section:
    """Rows that stand in one table; `identity` is its id on the page."""

    identity: str
    title: str
    rows: Sequence[Row]


def standings(board: Board, query: Query, explorer: BoardExplorer | None = None) -> Markup:
    """The page; without a benchmark in the address it shows the first."""
    every = benchmarks(board)
    shown = _asked(board, query, every)
    if explorer is not None and shown.benchmark.id in explorer:
        shown = replace(shown, explored=explorer.most)
    return html(
        "standings.html",
        benchmarks=every,
        benchmark=shown.benchmark,
        view=shown.view,
        tracks=TRACKS,
        protocols=PROTOCOLS,
        slices=[ALL, *shown.benchmark.slices],
        columns=columns_of(shown.table, shown.benchmark),
        sections=_drawn(shown),
    )


def download(board: Board, query: Query) -> str:
    """The table of a view as text, in the form that is asked."""
    shown = _asked(board, query, benchmarks(board))
    return FORMS[query.one("form", FORMS, "csv")](shown.table, shown.benchmark)


def _asked(board: Board, query: Query, every: Sequence[Benchmark]) -> Shown:
    known = {one.id: one for one in every}
    if not known:
        raise InputError("this board has no benchmark yet; add one: mmret board add-benchmark")
    benchmark = known[query.one("benchmark", known, every[0].id)]
    view = View.of(query, benchmark)
    tracks = view.tracks if view.together else None
    found = table(board, benchmark.id, view.protocol, view.measure, slice=view.slice, tracks=tracks)
    return Shown(board, found.generation, view, benchmark, found)


@lru_cache(maxsize=64)
def _drawn(shown: Shown) -> Markup:
    """The tables with their plots, kept until a table changes: of a page they take nearly all the time."""
    found, benchmark = shown.table, shown.benchmark
    columns = columns_of(found, benchmark)
    sections = [
        {
            "about": section,
            "lines": lines_of(section.rows, columns, found.measure, benchmark.decimals),
            "charts": charts(section.identity, section.rows, found),
        }
        for section in _sections(found, shown.view)
    ]
    most = {"compared": MOST, "explored": shown.explored}
    return html("sections.html", benchmark=benchmark, view=shown.view, columns=columns, sections=sections, most=most)


def _sections(found: Table, view: View) -> list[Section]:
    """One for each track, and one for rows whose track nobody stated; or one for all. The best ranks come first."""
    rows = ordered(found.rows, lambda row: row.rank)
    if view.together:
        return [Section("table", ", ".join(view.tracks), rows)]
    by_track = [(track, [row for row in rows if row.track == track]) for track in view.tracks]
    unknown = [row for row in rows if row.track is None]
    sections = [Section(f"table-{track}", track, rows) for track, rows in by_track]
    return [*sections, Section("table-published", "Published by others", unknown)] if unknown else sections
