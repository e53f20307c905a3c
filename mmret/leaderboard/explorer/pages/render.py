"""HTML of the pages, from the templates beside this file, which escape whatever comes from outside."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from ..render import environment
from .words import marked

if TYPE_CHECKING:
    from jinja2 import Environment


def html(name: str, **values: Any) -> Markup:
    """What a template makes of the values; strings among them are text unless they are `Markup` already."""
    return Markup(_environment().get_template(name).render(values))


@cache
def _environment() -> Environment:
    here, _, _ = __name__.rpartition(".")
    found = environment(here, here.rpartition(".")[0])
    found.filters |= {"marked": marked}
    return found
