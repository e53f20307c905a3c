"""HTML of the pages, from the templates beside this file: they escape whatever comes from outside."""

from __future__ import annotations

import math
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ....evaluation.frames import RANKS, scaled

TITLE = "Multimodal retrieval leaderboard"
NONE = "–"


def html(name: str, **values: Any) -> Markup:
    """What a template makes of the values; strings among them are text unless they are `Markup` already."""
    return Markup(_ENVIRONMENT.get_template(name).render(values))


def unit(measure: str) -> str:
    """What follows the name of a measure where its figures are in percent."""
    return "" if measure in RANKS else ", %"


def figure(value: float | None, measure: str, decimals: int | None = None) -> str:
    """The same in words.

    Parameters
    ----------
    decimals: to which a share was rounded, so that no digit is shown that was not given; None where it was not.
    """
    if value is None or math.isnan(value):
        return NONE
    digits = 1 if decimals is None or measure in RANKS else max(0, min(1, decimals - 2))
    return f"{scaled(measure, value):.{digits}f}".replace("-", "−")


def count(number: float | None) -> str:
    """A number of parameters as it is read: 149M, 7B."""
    if number is None:
        return NONE
    for size, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g}{letter}"
    return f"{number:.3g}"


def sortable(key: float | str) -> str:
    """By what a cell is sorted, as JavaScript reads it."""
    return "Infinity" if key == math.inf else str(key)


def web(link: str | None) -> str:
    """A link if a browser may follow it, else nothing: only http and https are ever put into a page."""
    return link if link and link.startswith(("https://", "http://")) else ""


_ENVIRONMENT = Environment(
    loader=PackageLoader(__name__.rpartition(".")[0]),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_ENVIRONMENT.filters |= {"figure": figure, "count": count, "web": web, "unit": unit, "sortable": sortable}
_ENVIRONMENT.globals |= {"NONE": NONE, "title": TITLE}
