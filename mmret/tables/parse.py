"""HTML to cells by lxml: nothing is fetched, no entity is resolved from outside, and broken markup is mended.

Text is what a reader sees. Left out are scripts, styles, and whatever is hidden by a `hidden` attribute or by an inline
`display: none` or `visibility: hidden`; footnote marks are visible and stay. White space is collapsed, and `<br>`,
blocks and pictures part words. Style sheets are not applied.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import cast
from urllib.parse import unquote

from lxml import etree

from ..errors import InputError
from .cells import Cell

MOST_ROWS, MOST_COLUMNS = 65_534, 1_000  # the HTML standard's limits of rowspan and colspan
NEVER_SHOWN = ("script", "style", "template")
PARTING = {
    *("br", "img", "hr", "p", "div", "li", "ul", "ol", "dl", "dt", "dd", "pre", "blockquote", "center", "section"),
    *("table", "caption", "tr", "td", "th", "h1", "h2", "h3", "h4", "h5", "h6", "figure", "figcaption"),
}
_NOT_DISPLAYED = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_INVISIBLE = re.compile(r"visibility\s*:\s*(hidden|collapse)", re.IGNORECASE)
_NUMBER = re.compile(r"\s*\+?(\d{1,9})")

Rows = tuple[tuple[Cell, ...], ...]


def parse_table(html: str, index: int) -> tuple[str, Rows]:
    """Caption and rows of table number `index` among those of a page that are inside no other table."""
    table = _outermost(_visible(html), index)
    caption = next((_text(child) for child in table if child.tag == "caption"), "")
    return caption, tuple(row for group in _groups(table) for row in _cells(*group))


def _visible(html: str) -> etree._Element:
    """The tree of a page without what a reader does not see."""
    parser = etree.HTMLParser(
        encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True, no_network=True, recover=True
    )
    root = etree.fromstring(html.encode("utf-8", "replace") or b"<html>", parser)
    if any("depth" in entry.message for entry in parser.error_log.filter_from_fatals()):
        raise InputError("the HTML nests its elements too deep to be read whole; flatten it or leave the table out")
    if root is None:
        return etree.Element("html")
    for element in cast("list[etree._Element]", root.xpath("descendant::*[@hidden or @style]")):
        style = element.get("style", "")
        if element.get("hidden") is not None or _NOT_DISPLAYED.search(style):
            element.tag = NEVER_SHOWN[-1]
        elif _INVISIBLE.search(style):
            del element[:]
            element.text = None
    etree.strip_elements(root, *NEVER_SHOWN, with_tail=False)
    return root


def _outermost(root: etree._Element, index: int) -> etree._Element:
    tables = []
    walk = etree.iterwalk(root, events=("start",), tag="table")
    for _, table in walk:
        tables.append(table)
        walk.skip_subtree()
    if not tables:
        raise InputError("the HTML has no visible <table> in it")
    if not 0 <= index < len(tables):
        raise InputError(f"the HTML has {len(tables)} tables, numbered from 0; there is no table {index}")
    return tables[index]


def _groups(table: etree._Element) -> Iterator[tuple[bool, list[list[etree._Element]]]]:
    """The row groups as the standard orders them, footers last: whether it is a header group, and the cells by row."""
    groups: list[tuple[str, list[list[etree._Element]]]] = [("", [])]
    in_row = False
    walk = etree.iterwalk(table, events=("start", "end"), tag=("table", "thead", "tbody", "tfoot", "tr", "td", "th"))
    for event, element in walk:
        tag = str(element.tag)
        if tag in ("td", "th"):
            if event == "start":
                if not in_row:  # a cell outside any row opens one
                    groups[-1][1].append([])
                    in_row = True
                groups[-1][1][-1].append(element)
                walk.skip_subtree()
        elif tag == "tr":
            in_row = event == "start"
            if in_row:
                groups[-1][1].append([])
        elif element is not table:
            in_row = False
            if tag == "table":
                walk.skip_subtree()  # between the cells: a browser moves it out of the table
            else:
                groups.append((tag if event == "start" else "", []))
    for kind, rows in sorted(groups, key=lambda group: group[0] == "tfoot"):
        yield kind == "thead", rows


def _cells(header: bool, group: list[list[etree._Element]]) -> Iterator[tuple[Cell, ...]]:
    """The rows of a group that have cells. A span ends with its group, and does not count the rows left out."""
    before = [0]
    for row in group:
        before.append(before[-1] + bool(row))
    for number, row in enumerate(group):
        left = len(group) - number
        spans = [min(_span(element, "rowspan", MOST_ROWS), left) or left for element in row]
        heights = [before[number + span] - before[number] for span in spans]
        if row:
            yield tuple([_cell(element, header, height) for element, height in zip(row, heights, strict=True)])


def _cell(element: etree._Element, header: bool, rows: int) -> Cell:
    header = header or element.tag == "th"
    columns = _span(element, "colspan", MOST_COLUMNS) or 1
    if not len(element):
        return Cell(_plain(element.text or ""), header, rows, columns)
    pictures = tuple(map(_picture, element.iter("img")))
    return Cell(_text(element), header, rows, columns, pictures, sum(1 for _ in element.iter("table")))


def _span(element: etree._Element, name: str, most: int) -> int:
    given = element.get(name)
    number = _NUMBER.match(given) if given else None
    return min(int(number[1]), most) if number else 1


def _text(element: etree._Element) -> str:
    parts = []
    for event, inner in etree.iterwalk(element, events=("start", "end")):
        if inner.tag in PARTING:
            parts.append(" ")
        parts.append((inner.text if event == "start" else inner.tail if inner is not element else "") or "")
    return _plain("".join(parts))


def _picture(image: etree._Element) -> str:
    source = image.get("src", "")
    name = "" if source[:5].lower() == "data:" else re.split("[?#]", source, maxsplit=1)[0].rpartition("/")[2]
    return _plain(image.get("alt", "")) or _plain(unquote(name))


def _plain(text: str) -> str:
    return " ".join(text.split())
