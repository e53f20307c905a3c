"""The explorer's pages, in Gradio: queries, summaries, live queries and mended labels.

Templates that escape make the HTML on the server; the address holds all that is chosen, so that a link restores it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import gradio as gr
from markupsafe import Markup

from ....errors import InputError, RunError
from .asking import asking
from .labels import labels
from .look import look
from .queries import queries
from .render import html
from .scene import Scene
from .state import State, Tab
from .summary import summary

_HERE = Path(__file__).parent
_log = logging.getLogger("mmret.explorer")


@dataclass(frozen=True)
class Page:
    """What a tab is called, and what makes it: a template, and its values."""

    words: str
    template: str
    values: Callable[[Scene, State], dict[str, Any]]


PAGES: dict[Tab, Page] = {
    "queries": Page("Queries", "queries.html.j2", queries),
    "summaries": Page("Summaries", "digest.html.j2", summary),
    "live": Page("Ask", "live.html.j2", asking),
    "labels": Page("Labels", "labels.html.j2", labels),
}
Show = Callable[[str], str]


def build(scene: Scene) -> gr.Blocks:
    """The pages of a scene, at one address. Where nobody can vote, or ask, there is no such tab."""
    with gr.Blocks(title="mmret explore", analytics_enabled=False, fill_width=True) as blocks:
        fill(blocks, lambda address: page(scene, address))
    return blocks


def fill(blocks: gr.Blocks, show: Show) -> None:
    """Put in place what `show` makes of the address, now and whenever the page's script asks for another."""

    def load(request: gr.Request) -> str:
        return show(urlencode(request.query_params.multi_items()))

    def shown(address: str) -> str:
        return show(address)

    place = gr.HTML(
        js_on_load=(_HERE / "explorer.js").read_text(encoding="utf-8"),
        apply_default_css=False,
        server_functions=[shown],
    )
    blocks.load(load, None, place, queue=False, show_progress="hidden", api_visibility="private")


def page(scene: Scene, address: str) -> Markup:
    """The page of an address of one scene."""
    return page_of(lambda _: scene, address, "?")


def page_of(find: Callable[[State], Scene], address: str, way_out: str) -> Markup:
    """The page of an address, of the scene that it asks for.

    Where it cannot be shown, the page says why and leads to `way_out`.
    """
    try:
        state = State.parse(address)
        scene, shown = find(state), PAGES[state.tab]
        values = shown.values(scene, state) | {"look": look(scene, state)}
        return html(shown.template, **values, state=state, scene=scene, study=scene.study, tabs=tabs(scene))
    except InputError as error:
        words = str(error)
    except RunError:
        _log.exception("a page could not be made")
        words = "This cannot be shown now; the terminal says why."
    return html("message.html.j2", words=words, way_out=way_out)


def tabs(scene: Scene) -> dict[Tab, str]:
    """Those that a scene has, by name."""
    lacking = {"live": scene.live is None, "labels": scene.votes is None}
    return {name: one.words for name, one in PAGES.items() if not lacking.get(name)}
