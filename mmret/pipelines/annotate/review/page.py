"""The page on which people vote, in Gradio; templates that escape make its HTML on the server."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from markupsafe import Markup

from ..records import Criteria
from .desk import LONGEST_NAME, LONGEST_REASON, Desk

if TYPE_CHECKING:
    from jinja2 import Environment

_HERE = Path(__file__).parent / "templates"
REASONS = {
    "true_of_target": "not true of the target",
    "false_of_source": "true of the source already",
    "complete": "not complete",
    "unambiguous": "fits other clips too",
    "natural": "not how people would put it",
}
"""What a person says when a point of `Criteria` does not hold."""


def build(desk: Desk) -> gr.Blocks:
    """The page; what it shows comes from the server's routes, after a person has given a name."""
    with gr.Blocks(title=f"{desk.name} – mmret review", analytics_enabled=False, fill_width=True) as blocks:
        gr.HTML(
            html("start.html.j2", desk=desk),
            js_on_load=(_HERE / "review.js").read_text(encoding="utf-8"),
            apply_default_css=False,
        )
    return blocks


def html(name: str, **values: Any) -> Markup:
    """What a template makes of the values; strings among them are text unless they are `Markup` already."""
    return Markup(_environment().get_template(name).render(values))


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    found = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    assert REASONS.keys() == Criteria.model_fields.keys()
    found.globals |= {"REASONS": REASONS, "LONGEST_NAME": LONGEST_NAME, "LONGEST_REASON": LONGEST_REASON}
    found.filters |= {"thousands": "{:,}".format}
    return found
