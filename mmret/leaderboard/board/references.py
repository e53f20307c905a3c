"""What others published on a benchmark of the board, brought to its measures."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...benchmarks import PublishedTable, published_tables
from ...errors import InputError
from ...evaluation import PROTOCOLS, Measure
from .database import Benchmark


@dataclass(frozen=True)
class Reference:
    """A system in a published table.

    Parameters
    ----------
    note: what else its table says of it, who measured it and how.
    figures: slice → value, of one measure.
    """

    model: str
    note: str
    figures: Mapping[str, float]


def references(benchmark: Benchmark, protocol: str, measure: str) -> list[Reference]:
    """What was published under a protocol; where none is stated, it is taken for the one that ranks first."""
    found: dict[tuple[str, str], dict[str, float]] = {}
    origins: dict[tuple[str, str], list[str]] = {}
    for table in published_tables(benchmark.name):
        if (_stated(table) or benchmark.main_protocol) != protocol:
            continue
        for model, about, value in _rows(table, measure):
            key = (model, "; ".join(filter(None, [about, f"protocol: {table.protocol}"])))
            found.setdefault(key, {}).setdefault(table.slice, value)
            origins.setdefault(key, []).append(table.origin)
    return [
        Reference(model, f"{'; '.join(dict.fromkeys(origins[model, about]))}; {about}", figures)
        for (model, about), figures in found.items()
    ]


def _rows(table: PublishedTable, measure: str) -> Iterator[tuple[str, str, float]]:
    """Model, what is said of it, and the value of the measure, of the rows that have it."""
    for row in table.rows:
        measured = {name: value for name, value in row.items() if _is_measure(name)}
        value = next((value for name, value in measured.items() if str(Measure.parse(name)) == measure), None)
        if value is not None:
            said: dict[str, Any] = {name: text for name, text in row.items() if name not in measured}
            model = said.pop("model")
            about = ", ".join(f"{name}: {text}" for name, text in said.items())
            yield model, about, value / 100 if Measure.parse(measure).higher_is_better else value


def _is_measure(name: str) -> bool:
    try:
        Measure.parse(name)
    except InputError:
        return False
    return True


def _stated(table: PublishedTable) -> str | None:
    """The protocol that a table names at the beginning of its note on it."""
    word = re.match(r"[a-z-]*", table.protocol)
    return word[0] if word and word[0] in PROTOCOLS else None
