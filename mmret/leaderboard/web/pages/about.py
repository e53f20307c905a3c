"""What the tables mean, and the data card of each benchmark."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markupsafe import Markup

from ....benchmarks import benchmarks as known_benchmarks
from ....evaluation.protocols import PROTOCOLS
from ...board import Board
from ...board.benchmarks import benchmarks
from .query import Query
from .render import html

_FRONT = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)


def about(board: Board, _: Query) -> Markup:
    """The page."""
    found = benchmarks(board)
    cards = {one.id: card(one.name) for one in found}
    return html("about.html", benchmarks=found, cards=cards, protocols=PROTOCOLS.values())


def card(name: str) -> Markup:
    """The data card of a benchmark that has a name in mmret, its headings two levels down; nothing for any other.

    HTML in a card is shown as text, and only web links are links.
    """
    known = known_benchmarks()
    text = known[name].card if name in known else ""
    reader = MarkdownIt("js-default")
    tokens = reader.parse(_FRONT.sub("", text))
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + 2)}"
    return Markup(reader.renderer.render(tokens, reader.options, {}))
