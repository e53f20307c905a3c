"""Words of a text that a query asks for."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

_WORD = re.compile(r"\w+")
# Words that nearly every question has, and which so say nothing of a text.
_COMMON = frozenset(
    _WORD.findall(
        "a an and any are as at be been but by can did do does for from had has have how if in into is it its many "
        "more most much no not of on or than that the their then there these this those to was were what when where "
        "which who whom whose why will with would"
    )
)


def marked(text: str, query: str) -> Markup:
    """The text with the words that the query has too between <mark> and </mark>; everything else is escaped."""
    wanted = {word.casefold() for word in _WORD.findall(query)} - _COMMON
    parts: list[Markup] = []
    end = 0
    for match in _WORD.finditer(text):
        if match[0].casefold() in wanted:
            parts += [escape(text[end : match.start()]), Markup("<mark>{}</mark>").format(match[0])]
            end = match.end()
    return Markup("").join([*parts, escape(text[end:])])
