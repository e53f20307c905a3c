"""The page of the tables: one benchmark and protocol at a time, a table for each track unless one for all is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self, get_args

from markupsafe import Markup

from ....encoders.base import Track
from ....errors import InputError
from ....evaluation.protocols import PROTOCOLS
from ...board import Board
from ...board.benchmarks import benchmarks
from ...board.database import Benchmark
from .charts import charts
from .query import Query
from .render import html
from .tables import columns_of, lines_of

TRACKS: tuple[str, ...] = get_args(Track)


@dataclass(frozen=True)
class View:
    """What of a benchmark is shown.

    Parameters
    ----------
    tracks: those that are shown.
    together: whether they are ranked in one table.
    """

    protocol: str
    measure: str
    tracks: Sequence[str]
    together: bool

    @classmethod
    def of(cls, query: Query, benchmark: Benchmark) -> Self:
        """The view that an address asks for; raises `InputError` for names that the benchmark does not know."""
        return cls(
            query.one("protocol", benchmark.protocols, benchmark.main_protocol),
            query.one("measure", benchmark.measures, benchmark.main_measure),
            query.several("track", TRACKS) or TRACKS,
            query.one("together", ["yes"], "") == "yes",
        )

    @property
    def groups(self) -> list[Sequence[str]]:
        """The tracks of each table."""
        return [self.tracks] if self.together else [[track] for track in self.tracks]


def standings(board: Board, query: Query) -> Markup:
    """The page; without a benchmark in the address it shows the first."""
    every = benchmarks(board)
    if not every:
        raise InputError("this board has no benchmark yet; add one: mmret board add-benchmark")
    known = {one.id: one for one in every}
    benchmark = known[query.one("benchmark", known, every[0].id)]
    view = View.of(query, benchmark)
    from ...board.rows import table

    with board.reading() as session:
        found = [table(session, benchmark.id, view.protocol, view.measure, tracks=group) for group in view.groups]
    return html(
        "standings.html",
        benchmarks=every,
        benchmark=benchmark,
        view=view,
        tracks=TRACKS,
        protocols=PROTOCOLS,
        sections=[_section(one, group, benchmark) for one, group in zip(found, view.groups, strict=True)],
        columns=columns_of(found[0], benchmark, track=view.together),
    )


def _section(found: Any, group: Sequence[str], benchmark: Benchmark) -> dict[str, Any]:
    identity = "-".join(["table", *group])
    columns = columns_of(found, benchmark, track=len(group) > 1)
    return {
        "identity": identity,
        "tracks": group,
        "columns": columns,
        "lines": lines_of(found, columns, benchmark.decimals),
        "charts": charts(identity, found),
    }
