"""Scores as tables: one row a figure for programs, one row a slice for people."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from markupsafe import escape

RANKS = ("MedR", "MeanR", "source MedR")
SOURCE = ("R@1 lost", "source@1", "target>source", "source MedR")  # how its own source disturbs a query
CHANCE = "(all, by chance)"
LEGEND = "percent with 95 % interval; MedR and MeanR are ranks"


def long_frame(scores: Mapping[str, Any]) -> pd.DataFrame:
    """One row a protocol, slice and measure: value, bounds over ties, interval, expectation of chance.

    Parameters
    ----------
    scores: `{protocol: {slice: {"n": int, measure: {"value", …}}}}`, as in a `result.json`.
    """
    rows = [
        {"protocol": protocol, "slice": label, "n": entry["n"], "measure": name, **figures}
        for protocol, slices in scores.items()
        for label, entry in slices.items()
        for name, figures in entry.items()
        if name != "n"
    ]
    return pd.DataFrame(rows)


def wide_frame(scores: Mapping[str, Any], *, chance: bool = False) -> pd.DataFrame:
    """One row a protocol and slice, one column a measure, texts: percent with 95 % interval, ranks as they are.

    Parameters
    ----------
    scores: as for `long_frame`.
    chance: a further row for each protocol, with what a random order would give, where that is known.
    """
    entries = [entry for slices in scores.values() for entry in slices.values()]
    names = dict.fromkeys(name for entry in entries for name in entry if name != "n")
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for protocol, slices in scores.items():
        for label, entry in slices.items():
            cells = {name: _cell(name, entry[name]) if name in entry else "–" for name in names}
            rows[protocol, label] = {"n": str(entry["n"])} | cells
        measured = {name: figures for name, figures in slices["all"].items() if name != "n"}
        random = {name: percent(name, one["random"]) for name, one in measured.items() if "random" in one}
        if chance and random:
            rows[protocol, CHANCE] = random
    index = pd.MultiIndex.from_tuples(rows, names=["protocol", "slice"])
    return pd.DataFrame(list(rows.values()), index=index).fillna("")


def shown_frame(scores: Mapping[str, Any]) -> pd.DataFrame:
    """`wide_frame` with chance, and of what the query's own source does only what it costs."""
    table = wide_frame(scores, chance=True).drop(columns=list(SOURCE[1:]), errors="ignore")
    return table.rename(columns={SOURCE[0]: "R@1 lost to source"})


def scaled(name: str, value: float) -> float:
    """A figure of a measure as people read it: in percent, or, of ranks, as it is."""
    return value if name in RANKS else 100 * value


def percent(name: str, value: float) -> str:
    """The same with one decimal."""
    return f"{scaled(name, value):.1f}"


def _cell(name: str, figures: Mapping[str, float]) -> str:
    value, low, high = (percent(name, figures[key]) for key in ("value", "low", "high"))
    return f"{value} [{low}–{high}]"


class Shown(ABC):
    """What shows itself as tables, in a terminal and in a notebook."""

    @abstractmethod
    def _shown(self) -> tuple[str, Sequence[pd.DataFrame], Sequence[str]]:
        """Title, tables and notes."""

    def __repr__(self) -> str:
        title, tables, notes = self._shown()
        return "\n".join([title, *(table.to_string() for table in tables), *notes])

    def _repr_html_(self) -> str:
        """No text in it is read as HTML."""
        title, tables, notes = self._shown()
        body = "".join(table.to_html(escape=True, border=0) for table in tables)
        foot = "<br>".join(escape(note) for note in notes)
        return f"<div><strong>{escape(title)}</strong>{body}<small>{foot}</small></div>"
