"""Plots as SVG, drawn on the server: nothing to load, the colours of the page in light and dark, words beside each."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from .render import count, html

WIDTH, HEIGHT = 360, 240  # units of the drawing; the page scales it to the room there is
LEFT, RIGHT, TOP, BOTTOM = 44, 340, 16, 200
PUBLISHED = "published"
MARGIN = 12  # left of bars, beside which nothing is written
MARKS = {  # kind of a point → its outline, drawn from its middle
    "no-audio": "m-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0z",
    "audio-as-text": "m-3.6,-3.6h7.2v7.2h-7.2z",
    "native-audio": "m0,-5l4.6,8.4h-9.2z",
    PUBLISHED: "m0,-5l5,5l-5,5l-5,-5z",
}
LINE = 12  # height of a bar with the gap to the next


@dataclass(frozen=True)
class Point:
    """A system: `kind` is its track, or `PUBLISHED` where it was not measured here."""

    name: str
    x: float
    y: float
    kind: str


@dataclass(frozen=True)
class Bar:
    """A figure with its interval, None where there is none; `series` numbers the system."""

    series: int
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Axis:
    """Where values lie between two ends, and what is written there: `ticks` are values and texts."""

    label: str
    low: float
    high: float
    ticks: Sequence[tuple[float, str]]
    log: bool = False

    def share(self, value: float) -> float:
        """0 at the lower end, 1 at the upper one."""
        low, high, at = (math.log10(v) if self.log else v for v in (self.low, self.high, value))
        return (at - low) / (high - low)


def linear(label: str, values: Iterable[float]) -> Axis:
    """From a round number to a round number, in steps of 1, 2 or 5 times a power of ten."""
    low, high = _ends(values)
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    numbers = range(math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9) + 1)
    ticks = [(number * step, f"{number * step:.6g}") for number in numbers]
    return Axis(label, ticks[0][0], ticks[-1][0], ticks)


def logarithmic(label: str, values: Iterable[float]) -> Axis:
    """Over whole powers of ten; the values are above 0."""
    low, high = _ends(math.log10(value) for value in values)
    first, last = math.floor(low + 1e-9), math.ceil(high - 1e-9)
    ticks = [(10.0**power, count(10.0**power)) for power in range(first, last + 1, 1 + (last - first) // 7)]
    return Axis(label, 10.0**first, 10.0**last, ticks, log=True)


def calendar(label: str, days: Iterable[float]) -> Axis:
    """Over days, as `date.toordinal` numbers them; three of them are written."""
    low, high = _ends(days)
    first, last = date.min.toordinal(), date.max.toordinal()
    ticks = [(day, min(max(round(day), first), last)) for day in (low, (low + high) / 2, high)]
    return Axis(label, low, high, [(day, date.fromordinal(shown).isoformat()) for day, shown in ticks])


def front(points: Sequence[Point], *, higher: bool = True) -> list[Point]:
    """The points that none beats, from left to right: a smaller or equal `x` goes with a worse `y` everywhere else.

    Parameters
    ----------
    higher: whether a larger `y` is better.
    """
    sign = 1 if higher else -1
    found: list[Point] = []
    for point in sorted(points, key=lambda point: (point.x, -sign * point.y)):
        if not found or sign * point.y > sign * found[-1].y:
            found.append(point)
    return found


def scatter(
    identity: str, title: str, points: Sequence[Point], x: Axis, y: Axis, *, best: str, higher: bool = True
) -> Markup:
    """Points, and a line along those that none beats.

    Parameters
    ----------
    identity: an id that no other plot of the page has.
    best: what the line is called, such as "Best so far"; published points take no part in it.
    higher: whether a larger `y` is better.
    """
    leading = front([point for point in points if point.kind != PUBLISHED], higher=higher)

    def at(point: Point) -> tuple[float, float]:
        return round(LEFT + x.share(point.x) * (RIGHT - LEFT), 1), round(BOTTOM - y.share(point.y) * (BOTTOM - TOP), 1)

    steps = [f"H{across} V{down}" for across, down in map(at, leading)]
    start = [f"M{across},{down}" for across, down in map(at, leading[:1])]
    return html(
        "scatter.html",
        identity=identity,
        title=title,
        best=best,
        labels=(x.label, y.label),
        x_ticks=[(round(LEFT + x.share(value) * (RIGHT - LEFT), 1), text) for value, text in x.ticks],
        y_ticks=[(round(BOTTOM - y.share(value) * (BOTTOM - TOP), 1), text) for value, text in y.ticks],
        points=[(point, *at(point)) for point in points],
        leading=[(point, *at(point)) for point in leading],
        path=" ".join([*start, *steps, f"H{RIGHT}"]) if leading else "",
        kinds=sorted({point.kind for point in points}),
        marks=MARKS,
        box=(LEFT, TOP, RIGHT, BOTTOM),
        size=(WIDTH, HEIGHT),
    )


def bars(
    identity: str, title: str, names: Sequence[str], groups: Sequence[tuple[str, Sequence[Bar]]], label: str
) -> Markup:
    """Bars with their intervals, one group a slice.

    Parameters
    ----------
    identity: an id that no other plot of the page has.
    names: of the series.
    groups: what each is called, and its bars, of which there is at least one in all.
    label: of the axis.
    """
    every = [bar for _, group in groups for bar in group]
    x = linear(label, [0.0, *(bar.value if bar.high is None else bar.high for bar in every)])

    def across(value: float) -> float:
        return round(MARGIN + x.share(value) * (RIGHT - MARGIN), 1)

    drawn, top = [], TOP
    for name, group in groups:
        drawn.append((name, top, [(bar, top + 5 + i * LINE) for i, bar in enumerate(group)]))
        top += len(group) * LINE + 22
    return html(
        "bars.html",
        identity=identity,
        title=title,
        names=names,
        groups=drawn,
        label=label,
        ticks=[(across(value), text) for value, text in x.ticks],
        across=across,
        line=LINE,
        box=(MARGIN, TOP, RIGHT, top - 12),
        size=(WIDTH, top - 12 + HEIGHT - BOTTOM),
    )


def _ends(values: Iterable[float]) -> tuple[float, float]:
    """Least and greatest, set apart where they are equal."""
    numbers = list(values)
    low, high = min(numbers), max(numbers)
    return (low - 0.5, high + 0.5) if low == high else (low, high)
