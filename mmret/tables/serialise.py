"""Tables as running text, in the ways that retrieval systems use. The title is not part of it.

A merged cell stands in every row and column it covers, save in `rows`, where each cell stands once, and in `html`,
which keeps the spans. Header rows above each other are joined by column: "Population / 2020". A picture stands by its
name in brackets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import takewhile

from ..errors import unknown_name
from .cells import Cell
from .table import Table, shown


def serialise(table: Table, how: str, max_rows: int | None = None) -> str:
    """The table as text.

    Parameters
    ----------
    table: what is written; its title is left out.
    how: a name in `SERIALISERS`.
    max_rows: at most so many rows below the headers; all of them when None.

    Raises `InputError` for an unknown name, and for a table with too many slots.
    """
    if how not in SERIALISERS:
        raise unknown_name("serialiser", how, SERIALISERS)
    return SERIALISERS[how](table if max_rows is None else table.head(max_rows))


def markdown(table: Table) -> str:
    """A Markdown table; pipes are escaped. The header line is empty where the table has no headers."""
    names, body = _named(table)
    if not names:
        return ""
    lines = [names, ["---"] * len(names), *body]
    text = _piped(lines)
    if text.count("|") == len(lines) * (len(names) + 1):
        return text
    return _piped([[text.replace("|", "\\|") for text in line] for line in lines])


def rows(table: Table) -> str:
    """A line for each row as it stands in the HTML: `a | b`. TaR-ViR's row-wise text is this."""
    return "\n".join([" | ".join(shown(row)) for row in table.rows])


def keyvalue(table: Table) -> str:
    """A line for each row below the headers: `Country: France, Capital: Paris`.

    A value without a header stands alone, as does a cell that fills its row. Empty values are left out; headers of
    nothing else are the first line. Without header rows, the header cells that begin a row name what follows them:
    `Capital: Paris`.
    """
    depth, grid = table.header_depth, table.grid()
    if not depth:
        return "\n".join(filter(None, map(_by_row_header, grid)))
    names, body = _names([shown(row) for row in grid[:depth]]), grid[depth:]
    values = [row for row in body if not _one_cell(row)]
    unsaid = [name for column, name in enumerate(names) if not any(row[column].shown for row in values)]
    lines = [row[0].shown if _one_cell(row) else _pairs(names, row) for row in body]
    return "\n".join(filter(None, [", ".join(dict.fromkeys(filter(None, unsaid))), *lines]))


def tapex(table: Table) -> str:
    """One line: `col : a | b row 1 : x | y row 2 : …` (Liu et al., TAPEX, ICLR 2022), without `col` if no headers."""
    names, body = _named(table)
    head = ["col : " + " | ".join(names)] if table.header_depth else []
    return " ".join([*head, *(f"row {n} : " + " | ".join(row) for n, row in enumerate(body, 1))])


def html(table: Table) -> str:
    """Plain HTML without caption; spans are kept."""
    return Table("", table.rows).to_html()


SERIALISERS: dict[str, Callable[[Table], str]] = {
    "markdown": markdown,
    "rows": rows,
    "keyvalue": keyvalue,
    "tapex": tapex,
    "html": html,
}


def _named(table: Table) -> tuple[list[str], list[list[str]]]:
    """The header of each column, and the texts of the rows below."""
    depth, texts = table.header_depth, table.texts()
    names = _names(texts[:depth]) if depth else [""] * len(texts[0]) if texts else []
    return names, texts[depth:]


def _names(levels: Sequence[list[str]]) -> list[str]:
    """The header of each column: the texts above each other, each said once."""
    if len(levels) == 1:
        return levels[0]
    return [" / ".join(dict.fromkeys(filter(None, column))) for column in zip(*levels, strict=True)]


def _one_cell(row: Sequence[Cell]) -> bool:
    return len(row) > 1 and row[0].columns > 1 and all(cell is row[0] for cell in row)


def _pairs(names: Sequence[str], row: Sequence[Cell]) -> str:
    pairs = zip(names, shown(row), strict=True)
    return ", ".join([f"{name}: {text}" if name else text for name, text in pairs if text])


def _by_row_header(row: Sequence[Cell]) -> str:
    once = [cell for cell, before in zip(row, [None, *row], strict=False) if cell is not before and cell.shown]
    heads = [cell.shown for cell in takewhile(lambda cell: cell.header, once)]
    values = ", ".join(cell.shown for cell in once[len(heads) :])
    return ": ".join(filter(None, [" / ".join(heads), values]))


def _piped(lines: Sequence[Sequence[str]]) -> str:
    return "\n".join([f"| {' | '.join(line)} |" for line in lines])
