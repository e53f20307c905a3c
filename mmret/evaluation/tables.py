"""Results and models as tables for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from ..encoders import Spec, missing_packages

_RANKS = ("MedR", "MeanR")


def result_table(record: Mapping[str, Any]) -> Table:
    """Protocol × slice × measure, each value above its interval, in percent (ranks as they are); and chance."""
    scores = record["scores"]
    entries = [entry for slices in scores.values() for entry in slices.values()]
    names = [name for name in dict.fromkeys(name for entry in entries for name in entry) if name != "n"]
    table = Table(
        title=f"{record['model']['name']} on {record['benchmark']['name']} {record['benchmark']['version']}",
        caption="percent with 95 % interval; MedR and MeanR are ranks",
        box=SIMPLE_HEAD,
    )
    for heading in ("protocol", "slice", "n", *names):
        table.add_column(heading, justify="left" if heading in ("protocol", "slice") else "right", no_wrap=True)
    for protocol, slices in scores.items():
        for label, entry in slices.items():
            cells = [_value(name, entry[name]) if name in entry else "–" for name in names]
            table.add_row(protocol if label == "all" else "", label, str(entry["n"]), *cells)
        chance = [_number(name, slices["all"].get(name, {}).get("random")) for name in names]
        table.add_row("", "(all, by chance)", "", *chance, style="dim")
        table.add_section()
    return table


def _value(name: str, entry: Mapping[str, float]) -> str:
    value, low, high = (_number(name, entry[key]) for key in ("value", "low", "high"))
    return f"{value}\n{low}–{high}"


def _number(name: str, value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.1f}" if name in _RANKS else f"{100 * value:.1f}"


def models_table(specs: Sequence[Spec]) -> Table:
    """One row a model."""
    table = Table(box=SIMPLE_HEAD)
    for heading in ("model", "reads of a query", "reads of a document", "weights", "licence", "here?", "what it is"):
        table.add_column(heading)
    for spec in specs:
        missing = missing_packages(spec)
        table.add_row(
            spec.name,
            ", ".join(sorted(spec.query)),
            ", ".join(sorted(spec.document)),
            f"{spec.parameters / 1e6:.1f} M" if spec.parameters else "–",
            spec.licence,
            f"no: pip install 'mmret\\[{spec.extra}]'" if missing else "yes",
            spec.summary,
        )
    return table
