"""The HTML of a table, from cells with spans, pictures and scripts of any direction."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur", "dv", "ps", "ku", "sd", "ug", "yi"})


@dataclass(frozen=True)
class Cell:
    """A cell: text, a picture (its path inside the benchmark), or both; how far it spans; its look."""

    text: str = ""
    picture: str = ""
    head: bool = False
    rows: int = 1
    columns: int = 1
    language: str = ""
    colour: str = ""


@dataclass(frozen=True)
class Page:
    """A table of the benchmark before it is drawn.

    `key` names it inside the build, `sources` the packages its facts are from, `style` the look it is drawn in.
    """

    key: str
    title: str
    html: str
    sources: tuple[str, ...]
    style: str = "wikipedia"


Content = Cell | str | int


def head(text: str, rows: int = 1, columns: int = 1) -> Cell:
    """A header cell."""
    return Cell(text, head=True, rows=rows, columns=columns)


def page(
    key: str,
    title: str,
    heads: Sequence[Sequence[Content]],
    rows: Iterable[Sequence[Content]],
    sources: Sequence[str],
    style: str = "wikipedia",
) -> Page:
    """Make a page of header rows and body rows; plain strings in header rows are header cells."""
    top = [[cell if isinstance(cell, Cell) else head(str(cell)) for cell in row] for row in heads]
    body = [[cell if isinstance(cell, Cell) else Cell(str(cell)) for cell in row] for row in rows]
    return Page(key, title, table(top, body), tuple(sources), style)


def table(top: Sequence[Sequence[Cell]], body: Sequence[Sequence[Cell]]) -> str:
    """Write the table element, one row a line."""
    lines = ["<table>"]
    for name, part in (("thead", top), ("tbody", body)):
        if part:
            rows = ("<tr>" + "".join(map(write_cell, row)) + "</tr>" for row in part)
            lines += [f"<{name}>", *rows, f"</{name}>"]
    return "\n".join([*lines, "</table>"])


def write_cell(cell: Cell) -> str:
    """Write one th or td element."""
    name = "th" if cell.head else "td"
    marks = [
        f' rowspan="{cell.rows}"' if cell.rows > 1 else "",
        f' colspan="{cell.columns}"' if cell.columns > 1 else "",
    ]
    if cell.language:
        marks.append(f' lang="{cell.language}"' + (' dir="rtl"' if cell.language in RIGHT_TO_LEFT else ""))
    if cell.colour:
        marks.append(f' style="background:{cell.colour};color:#000"')
    picture = f'<img src="{html.escape(cell.picture)}" alt="">' if cell.picture else ""
    space = " " if cell.picture and cell.text else ""
    return f"<{name}{''.join(marks)}>{picture}{space}{html.escape(cell.text, quote=False)}</{name}>"


def grouped(groups: Iterable[tuple[Content, Sequence[Sequence[Content]]]]) -> list[list[Content]]:
    """Rows under a common first cell that spans them all, group by group."""
    rows: list[list[Content]] = []
    for first, members in groups:
        cell = first if isinstance(first, Cell) else head(str(first))
        spanning = Cell(cell.text, cell.picture, cell.head, len(members), 1, cell.language, cell.colour)
        rows += [[spanning, *row] if place == 0 else list(row) for place, row in enumerate(members)]
    return rows


def infobox(
    name: str, sections: Iterable[tuple[str, Sequence[tuple[str, Content]]]], picture: str = ""
) -> list[list[Content]]:
    """The rows of a box about one thing: its name and picture above, then sections of attribute and value."""
    rows: list[list[Content]] = [[head(name, columns=2)]]
    if picture:
        rows.append([Cell(picture=picture, columns=2)])
    for section, pairs in sections:
        present = [(attribute, value) for attribute, value in pairs if value not in ("", "–")]
        if section and present:
            rows.append([head(section, columns=2)])
        rows += [[head(attribute), value] for attribute, value in present]
    return rows


def number(value: float | None, digits: int | None = None) -> str:
    """Write a number with thousands separated and no needless zeros; a dash where there is none."""
    if value is None:
        return "–"
    if digits is not None:
        value = round(value, digits)
    text = f"{value:,.10g}" if abs(value) < 1e9 else f"{value:,.0f}"
    return text.replace("-", "−", 1) if text.startswith("-") else text
