"""Results that others published, as rows for reference: never mixed with what mmret measured."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

_FILES = {
    "omnicvr": "omnicvr/published.json",
    "tarvir": "tarvir/published.json",
    "nq-tables": "tarvir/published_nq_tables.json",
}


@dataclass(frozen=True)
class PublishedTable:
    """One table.

    Parameters
    ----------
    title, slice, queries: what it is about; the number of queries is None where it is not stated.
    origin: who measured it, and where the figures were taken from.
    protocol: what is known of how it was measured.
    rows: `{"model", and what is said of it, measure: percent}`.
    """

    title: str
    slice: str
    queries: int | None
    origin: str
    protocol: str
    rows: list[dict[str, Any]]


def published_tables(name: str) -> list[PublishedTable]:
    """The tables published for a benchmark; none where nothing is known."""
    if name not in _FILES:
        return []
    text = (files("mmret.benchmarks") / _FILES[name]).read_text(encoding="utf-8")
    return [PublishedTable(**table) for table in json.loads(text)]
