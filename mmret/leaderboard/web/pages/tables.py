"""A table of systems as it is shown: its columns, what stands in each cell, and by what a column is sorted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ....evaluation.measures import Measure
from ...board.database import Benchmark
from .render import NONE, count, figure

if TYPE_CHECKING:
    from ...board.rows import Row, Table

OPEN = {True: "yes", False: "no", None: ""}


@dataclass(frozen=True)
class Column:
    """What stands in the head of a table.

    Parameters
    ----------
    key: its name in the address of a view.
    number: whether its cells are sorted as numbers.
    descending: whether it is sorted from the greatest down at first.
    """

    key: str
    label: str
    note: str = ""
    number: bool = False
    descending: bool = False


@dataclass(frozen=True)
class Cell:
    """What stands in a column of a row: `note` beneath, in small letters; `sort` is None where there is no value."""

    text: str
    sort: float | str | None
    note: str = ""


@dataclass(frozen=True)
class Line:
    """A row as it is shown.

    Parameters
    ----------
    id: of the submission, "" for a published row.
    leads: whether it is the first of those that share its rank.
    facts: what filters look at: "open", "parameters", "date", "" where it is not known.
    cells: one a column.
    """

    id: str
    name: str
    leads: bool
    facts: Mapping[str, str]
    cells: Sequence[Cell]


def columns_of(table: Table, benchmark: Benchmark, *, track: bool) -> list[Column]:
    """The columns of a table; `track` says whether it mixes tracks, and so names them."""
    higher = Measure.parse(table.measure).higher_is_better
    slices = [
        Column(f"on-{name}", name, f"{n:,} queries", number=True, descending=higher) for name, n in table.slices.items()
    ]
    return [
        Column("rank", "Rank", number=True),
        Column("model", "Model"),
        *slices,
        *([Column("gap", "Gap", "public less hidden", number=True)] if benchmark.public_id else []),
        *([Column("track", "Track")] if track else []),
        Column("parameters", "Parameters", number=True),
        Column("weights", "Open weights"),
        Column("cost", "Cost", "ms a query", number=True),
        Column("date", "Sent", descending=True),
    ]


def lines_of(table: Table, columns: Sequence[Column], decimals: int | None) -> list[Line]:
    """The rows of a table, in its order; `decimals` are those that figures were rounded to, None where they were not."""
    lines: list[Line] = []
    for before, row in zip([None, *table.rows], table.rows, strict=False):
        cells = _cells(row, table.measure, decimals)
        lines.append(
            Line(
                row.submission or "",
                row.model,
                before is None or row.rank != before.rank,
                {
                    "open": OPEN[row.open_weights],
                    "parameters": "" if row.parameters is None else str(row.parameters),
                    "date": "" if row.date is None else row.date.isoformat(),
                },
                [cells.get(column.key, Cell(NONE, None)) for column in columns],
            )
        )
    return lines


def _cells(row: Row, measure: str, decimals: int | None) -> dict[str, Cell]:
    """Column → what stands there, where there is a value."""
    cells = {"model": Cell(row.model, row.model.casefold(), row.team)}
    for name, one in row.figures.items():
        ends = [figure(end, measure, decimals) for end in (one.low, one.high)]
        note = "–".join(ends) if one.low is not None and one.high is not None else ""
        cells[f"on-{name}"] = Cell(figure(one.value, measure, decimals), one.value, note)
    if row.rank is not None:
        cells["rank"] = Cell(str(row.rank), row.rank)
    if row.gap is not None:
        cells["gap"] = Cell(figure(row.gap, measure, decimals), row.gap)
    if row.track is not None:
        cells["track"] = Cell(row.track, row.track)
    if row.parameters is not None:
        cells["parameters"] = Cell(count(row.parameters), row.parameters)
    if row.open_weights is not None:
        cells["weights"] = Cell(OPEN[row.open_weights], OPEN[row.open_weights])
    if row.query_ms is not None:
        cells["cost"] = Cell(f"{row.query_ms:,.1f}", row.query_ms)
    if row.date is not None:
        cells["date"] = Cell(row.date.isoformat(), row.date.isoformat())
    return cells
