"""Which plots a table gets: quality against cost and size, over time, and the best systems slice by slice."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from ....evaluation.measures import Measure
from ....evaluation.summary import ALL
from .plots import PUBLISHED, Axis, Bar, Point, bars, calendar, linear, logarithmic, scatter
from .render import scaled, unit

if TYPE_CHECKING:
    from ...board.rows import Figure, Row, Table

BEST = 5  # systems whose slices are drawn


@dataclass(frozen=True)
class Against:
    """What figures are drawn against: `place` gives None for a row of which it is not known."""

    title: str
    label: str
    best: str
    place: Callable[[Row], float | None]
    axis: Callable[[str, Iterable[float]], Axis]


AGAINST = {
    "cost": Against(
        "Quality against cost", "ms a query", "Best for their cost", lambda row: row.query_ms or None, logarithmic
    ),
    "size": Against(
        "Quality against size", "parameters", "Best for their size", lambda row: row.parameters or None, logarithmic
    ),
    "time": Against(
        "Quality over time", "sent", "Best so far", lambda row: row.date and row.date.toordinal(), calendar
    ),
}


def charts(identity: str, table: Table) -> list[Markup]:
    """The plots of a table for which there is something to draw; `identity` sets their ids apart on the page."""
    measure, rows = table.measure, [row for row in table.rows if ALL in row.figures]
    label = f"{measure}{unit(measure)}"
    higher = Measure.parse(measure).higher_is_better
    drawn = []
    for key, one in AGAINST.items():
        points = [
            Point(row.model, x, scaled(row.figures[ALL].value, measure), row.track or PUBLISHED)
            for row in rows
            if (x := one.place(row)) is not None
        ]
        if points:
            x, y = one.axis(one.label, [point.x for point in points]), linear(label, [point.y for point in points])
            drawn.append(scatter(f"{identity}-{key}", one.title, points, x, y, best=one.best, higher=higher))
    leading = [row for row in rows if row.rank is not None][:BEST]
    groups = [
        (name, [_bar(row.model, row.figures[name], measure) for row in leading if name in row.figures])
        for name in table.slices
    ]
    if leading:
        drawn.append(bars(f"{identity}-slices", f"The first {len(leading)} by slice", groups, label))
    return drawn


def _bar(name: str, one: Figure, measure: str) -> Bar:
    low, high = (None if end is None else scaled(end, measure) for end in (one.low, one.high))
    return Bar(name, scaled(one.value, measure), low, high)
