"""How to submit: the form, and the commands that do the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from ...board import Board
from ...board.benchmarks import benchmarks
from .query import Query
from .render import html

if TYPE_CHECKING:
    from ...explorer.boards import BoardExplorer


def how_to_submit(board: Board, query: Query, explorer: BoardExplorer | None = None) -> Markup:
    """The page; the benchmark that the address names is chosen in the form."""
    found = [one for one in benchmarks(board) if one.active]
    chosen = query.one("benchmark", [one.id for one in found], found[0].id if found else "")
    shown = [one.title for one in found if explorer is not None and one.id in explorer]
    return html("submit.html", benchmarks=found, chosen=chosen, explored=shown)
