"""The pages of a board, in Gradio: tables, each submission, comparisons, how to submit, and what it all means.

Templates that escape make the HTML on the server; what a visitor sorts, filters or leaves out changes in the browser.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import gradio as gr
from fastapi import FastAPI
from gradio.components.navbar import Navbar
from markupsafe import Markup

from ....errors import InputError, RunError
from ....serving import pages
from ...board import Board
from .about import about
from .compare import comparison
from .query import Query
from .render import TITLE, html
from .standings import download, standings
from .submission import submission
from .submit import how_to_submit

if TYPE_CHECKING:
    from ...explorer.boards import BoardExplorer

_HERE = Path(__file__).parent
_log = logging.getLogger("mmret.web.pages")

Page = Callable[[Board, Query], Markup]
Text = Callable[[Board, Query], str]


def mount(app: FastAPI, board: Board, explorer: BoardExplorer | None = None) -> FastAPI:
    """Serve the pages from the root of `app`, behind what it serves itself."""
    style = (_HERE / "board.css").read_text(encoding="utf-8")
    return pages.mount(app, build(board, explorer), style + (explorer.style if explorer else ""))


def build(board: Board, explorer: BoardExplorer | None = None) -> gr.Blocks:
    """The pages: `/`, `/submit`, `/about`, `/submission?id=`, `/compare?id=&id=` and `/explore?benchmark=&id=`."""
    with gr.Blocks(title=TITLE, analytics_enabled=False, fill_width=True) as blocks:
        _fill(blocks, board, partial(standings, explorer=explorer), "board.js", download)
    with blocks.route("Submit", "/submit"):
        _fill(blocks, board, partial(how_to_submit, explorer=explorer), "submit.js")
    with blocks.route("About", "/about"):
        _fill(blocks, board, about)
    with blocks.route("Submission", "/submission", show_in_navbar=False):
        _fill(blocks, board, partial(submission, explorer=explorer))
    with blocks.route("Comparison", "/compare", show_in_navbar=False):
        _fill(blocks, board, comparison)
    if explorer is not None:
        with blocks.route("Answers", "/explore", show_in_navbar=False):
            Navbar(main_page_name="Tables")
            explorer.fill(blocks)
    return blocks


def _fill(blocks: gr.Blocks, board: Board, page: Page, script: str = "", text: Text | None = None) -> None:
    """Put a page in place when it is loaded, by what its address asks.

    Its script may have the page of another address made (`server.show`), or a text (`server.save`), null where there is
    none.
    """

    def show(query: str) -> str:
        try:
            return page(board, Query.parse(query))
        except InputError as error:
            return html("message.html", words=str(error))
        except RunError:
            _log.exception("a page could not be made")
            return html("message.html", words="The board does not answer; try again soon.")

    def save(query: str) -> str | None:
        try:
            return text(board, Query.parse(query)) if text else None
        except (InputError, RunError) as error:
            _log.warning("a table could not be saved", extra={"fields": {"reason": str(error)}})
            return None

    def load(request: gr.Request) -> str:
        return show(urlencode(request.query_params.multi_items()))

    scripts = ["page.js", *([script] if script else [])]
    Navbar(main_page_name="Tables")
    place = gr.HTML(
        js_on_load="\n".join((_HERE / name).read_text(encoding="utf-8") for name in scripts),
        apply_default_css=False,
        server_functions=[show, save],
    )
    blocks.load(load, None, place, queue=False, show_progress="hidden", api_visibility="private")
