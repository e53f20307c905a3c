"""Which plots a table gets: quality against cost and size, over time, and the best systems slice by slice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, isinf

from markupsafe import Markup

from ....evaluation.frames import scaled
from ....evaluation.measures import Measure
from ...board.database import Score
from ...board.rows import Figure, Row, Table
from .plots import PUBLISHED, Axis, Bar, Point, bars, calendar, linear, logarithmic, scatter
from .render import unit

BEST = 5  # systems whose slices are drawn
LEAST_MS = 1e-6  # of a query, whose cost is drawn: less is no machine's, and would press all others into a corner


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
        "Quality against cost",
        "ms a query",
        "Best for their cost",
        lambda row: row.query_ms if (row.query_ms or 0) >= LEAST_MS else None,
        logarithmic,
    ),
    "size": Against(
        "Quality against size", "parameters", "Best for their size", lambda row: row.parameters or None, logarithmic
    ),
    "time": Against(
        "Quality over time", "sent", "Best so far", lambda row: row.date.toordinal() if row.date else None, calendar
    ),
}


def charts(identity: str, rows: Sequence[Row], table: Table) -> list[Markup]:
    """The plots of those rows of a table for which there is something to draw.

    Parameters
    ----------
    identity: sets their ids apart on the page.
    """
    measure, drawn = table.measure, []
    label = f"{measure}{unit(measure)}"
    placed = [(row, score.value) for row in rows if (score := row.figures.get(table.slice)) and isfinite(score.value)]
    for key, one in AGAINST.items():
        points = [
            Point(row.model, place, scaled(measure, value), row.track or PUBLISHED)
            for row, value in placed
            if (place := one.place(row)) is not None
        ]
        if points:
            x, y = one.axis(one.label, [point.x for point in points]), linear(label, [point.y for point in points])
            higher = Measure.parse(measure).higher_is_better
            drawn.append(scatter(f"{identity}-{key}", one.title, points, x, y, best=one.best, higher=higher))
    best = [row for row, _ in placed if row.rank is not None][:BEST]
    if best:
        names = [f"{row.model} ({row.team})" for row in best]
        groups = by_slice([row.figures for row in best], list(table.slices), measure)
        drawn.append(bars(f"{identity}-slices", f"The first {len(best)}, slice by slice", names, groups, label))
    return drawn


def by_slice(
    systems: Sequence[Mapping[str, Figure | Score]], slices: Sequence[str], measure: str
) -> list[tuple[str, list[Bar]]]:
    """Bars of systems, whose figures are given by slice, for those slices of which there is one at all."""
    groups = []
    for name in slices:
        scores = [(series, one[name]) for series, one in enumerate(systems) if name in one]
        groups.append((name, [_bar(series, one, measure) for series, one in scores if isfinite(one.value)]))
    return [(name, group) for name, group in groups if group]


def _bar(series: int, score: Figure | Score, measure: str) -> Bar:
    low, high = (None if end is None or isinf(end) else scaled(measure, end) for end in (score.low, score.high))
    return Bar(series, scaled(measure, score.value), low, high)
