"""What a public table holds: rows, their figures, and their order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, get_args

from ...encoders.base import Track

TRACKS: tuple[Track, ...] = get_args(Track)
Origin = Literal["verified", "published", "imported"]


@dataclass(frozen=True)
class Figure:
    """A measure on a slice, with its 95 % interval; None where there is no interval."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Row:
    """A system in a table.

    Parameters
    ----------
    rank: 1 + number of systems ranked together with it that are significantly better; None for one that is not ranked.
    figures: slice → figure; a slice without one is left out.
    state: "verified" here, "published" by others, or "imported" from another board; only the first are ranked.
    submission: its id; "" for a published row, as is what else is not known of it.
    track: how sound is read; None where it is not known.
    date: when it was sent.
    query_ms: what a query costs, milliseconds; `cost` is all that its team says of it.
    gap: figure on the public counterpart less that on this hidden benchmark, of the same model and team.
    note: who published it and how it was measured, or which board it is from.
    """

    rank: int | None
    model: str
    figures: Mapping[str, Figure]
    state: Origin
    submission: str = ""
    team: str = ""
    organisation: str = ""
    link: str = ""
    licence: str = ""
    track: Track | None = None
    parameters: int | None = None
    open_weights: bool | None = None
    saw_benchmark: str = "unknown"
    date: date | None = None
    query_ms: float | None = None
    cost: Mapping[str, Any] = field(default_factory=dict)
    scorer_version: str = ""
    gap: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Table:
    """A benchmark under one protocol, by one measure.

    Parameters
    ----------
    slice: of whose figures the ranks are.
    tracks: those that are ranked together; None where each track is ranked by itself, one after the other.
    slices: slice → number of its queries, of those that rows have figures of; all queries first, and always.
    rows: ranked ones, the best figure first, then those that are not ranked.
    """

    benchmark: str
    generation: int
    protocol: str
    measure: str
    slice: str
    tracks: tuple[Track, ...] | None
    slices: Mapping[str, int]
    rows: Sequence[Row]


@dataclass(frozen=True)
class View:
    """What of a benchmark is asked for; see `rows.table`."""

    protocol: str
    measure: str
    slice: str
    tracks: tuple[Track, ...] | None


def ordered(rows: Sequence[Row], key: Callable[[Row], Any], *, descending: bool = False) -> list[Row]:
    """Rows by a key; those without one (None) come last in either direction, equal ones keep their order."""
    known = [row for row in rows if key(row) is not None]
    return sorted(known, key=key, reverse=descending) + [row for row in rows if key(row) is None]
