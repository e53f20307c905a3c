"""HTML from templates, and figures as they are read; for the report and for the pages."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ...evaluation.frames import RANKS, percent
from ...media import Fault
from . import drawings

if TYPE_CHECKING:
    from jinja2 import Environment


def environment(*packages: str) -> Environment:
    """What makes HTML of the templates of these packages: it escapes, and refuses names that are not given."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    found = Environment(
        loader=ChoiceLoader([PackageLoader(package) for package in packages]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {
        "figure": figure,
        "p_value": p_value,
        "rank": rank,
        "thousands": "{:,}".format,
        "wave": drawings.wave_drawing,
    }
    found.tests |= {"fault": lambda one: isinstance(one, Fault), "rank": RANKS.__contains__}
    return found


def figure(value: float | None, measure: str) -> str:
    """In percent, ranks as they are."""
    if value is None or math.isnan(value):
        return "–"
    return percent(measure, value)


def p_value(p: float) -> str:
    """As it is read: no more than four decimals."""
    return "<0.0001" if p < 0.0001 else f"{p:.4f}"


def rank(value: float) -> str:
    """A rank in words."""
    return f"{value:,.1f}".removesuffix(".0") if math.isfinite(value) else "none: it was not retrieved"
