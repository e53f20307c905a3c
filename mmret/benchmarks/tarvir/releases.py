"""Benchmarks of tables that have a name, and where their data lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...paths import usual_folder
from ..draft import Draft
from ..sources import NotHereError, Sources
from .read import read_tables

_UNCLEAR = "not stated for the data of TaR-ViR; those of NQ-TABLES conflict (CC-BY-4.0, CC-BY-SA-3.0, Apache-2.0)"


@dataclass(frozen=True)
class TableRelease:
    """A benchmark of tables.

    Parameters
    ----------
    name: how mmret calls it.
    summary: one line for the list.
    card: name of its data card.
    about: facts to show.
    """

    name: str
    summary: str
    card: str
    about: Mapping[str, Any] = field(default_factory=dict)


TABLES = (
    TableRelease("tarvir-mini", "tables as pictures and as text, built in", "tarvir-mini"),
    TableRelease(
        "tarvir",
        "tables as pictures, as published (TaR-ViR, Tab-ViR): 81,839 tables of Wikipedia",
        "tarvir",
        about={"title": "TaR-ViR", "licence": _UNCLEAR, "published": {"documents": 81_839}},
    ),
    TableRelease(
        "nq-tables",
        "tables as text: the 169,898 tables of NQ-TABLES",
        "tarvir",
        about={"title": "NQ-TABLES", "licence": _UNCLEAR, "published": {"documents": 169_898}},
    ),
)


def read_named(release: TableRelease, sources: Sources) -> Draft:
    """Read a named benchmark of tables from its usual folder, or from the one given."""
    folder = sources.data or usual_folder(release.name)
    if not folder.is_dir():
        raise NotHereError(
            f"{folder}: {release.name} is not here; put its files there, or name the folder they lie in with --data; "
            f"where they can be had: mmret benchmarks show {release.name}"
        )
    return read_tables(folder, sources, name=release.name, about=release.about)
