"""A table of systems as it is shown: its columns, what stands in each cell, and by what a column is sorted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ....evaluation.measures import Measure
from ...board.database import Benchmark
from ...board.rows import Row, Table
from .render import NONE, count, figure

OPEN = {True: "yes", False: "no", None: ""}
SAW = {"no": "no", "train": "its training part", "yes": "yes", "unknown": ""}


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
    leads: whether it is the first of those that share its rank.
    facts: what filters look at: "open", "parameters", "date", "" where it is not known.
    cells: one a column.
    """

    row: Row
    leads: bool
    facts: Mapping[str, str]
    cells: Sequence[Cell]


def columns_of(table: Table, benchmark: Benchmark) -> list[Column]:
    """The columns of a table and of its parts."""
    higher = Measure.parse(table.measure).higher_is_better
    slices = [
        Column(f"on-{name}", name, f"{n:,} queries", number=True, descending=higher) for name, n in table.slices.items()
    ]
    return [
        Column("rank", "Rank", number=True),
        Column("model", "Model"),
        *slices,
        *([Column("gap", "Gap", "public less hidden", number=True)] if benchmark.public_id else []),
        *([Column("track", "Track")] if table.tracks else []),
        Column("parameters", "Parameters", number=True),
        Column("weights", "Open weights"),
        Column("saw", "Trained on it"),
        Column("cost", "Cost", "ms a query", number=True),
        Column("date", "Sent", descending=True),
    ]


def lines_of(rows: Sequence[Row], columns: Sequence[Column], measure: str, decimals: int | None) -> list[Line]:
    """Rows in their order; `decimals` are those that figures were rounded to, None where they were not."""
    lines = []
    for before, row in zip([None, *rows], rows, strict=False):
        cells = _cells(row, measure, decimals)
        facts = {
            "open": OPEN[row.open_weights],
            "parameters": "" if row.parameters is None else str(row.parameters),
            "date": "" if row.date is None else row.date.isoformat(),
        }
        leads = before is None or row.rank != before.rank
        lines.append(Line(row, leads, facts, [cells.get(column.key, Cell(NONE, None)) for column in columns]))
    return lines


def _cells(row: Row, measure: str, decimals: int | None) -> dict[str, Cell]:
    """Column → what stands there, where there is something."""
    cells = {"model": Cell(row.model, row.model.casefold(), row.team)}
    for name, one in row.figures.items():
        ends = [figure(end, measure, decimals) for end in (one.low, one.high) if end is not None]
        cells[f"on-{name}"] = Cell(figure(one.value, measure, decimals), one.value, "–".join(ends))
    numbers = {
        "rank": (row.rank, str(row.rank)),
        "gap": (row.gap, figure(row.gap, measure, decimals)),
        "parameters": (row.parameters, count(row.parameters)),
        "cost": (row.query_ms, f"{row.query_ms or 0:,.1f}"),
    }
    cells |= {name: Cell(text, number) for name, (number, text) in numbers.items() if number is not None}
    words = {
        "track": row.track,
        "weights": OPEN[row.open_weights],
        "saw": SAW[row.saw_benchmark],
        "date": row.date and row.date.isoformat(),
    }
    return cells | {name: Cell(text, text) for name, text in words.items() if text}
