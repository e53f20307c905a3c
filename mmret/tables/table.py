"""A table as its HTML says it: rows of cells, some of which cover several rows or columns."""

from __future__ import annotations

import html as markup
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from .cells import EMPTY, Cell, Placed, check_size, place
from .parse import Rows, parse_table


@dataclass(frozen=True)
class Table:
    """A title, and rows of cells in which a merged cell stands once, at its upper left corner."""

    title: str
    rows: Rows

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Table) and (self.title, self.rows) == (other.title, other.rows)

    def __hash__(self) -> int:
        return hash((self.title, self.rows))

    @classmethod
    def from_html(cls, html: str, title: str = "", index: int = 0) -> Table:
        """The table number `index` of a page or of a fragment, counted from 0 among those inside no other table.

        The caption is the title where `title` is empty. Broken markup is repaired as a browser would, roughly. Nothing
        is loaded and no entity is taken from outside. Raises `InputError` when there is no such table, or when elements
        are nested so deep that the parser would lose text.
        """
        caption, rows = parse_table(html, index)
        return cls(title or caption, rows)

    @classmethod
    def from_rows(cls, headers: Sequence[object], rows: Iterable[Sequence[object]], title: str = "") -> Table:
        """A table of flat lists: one row of headers, unless there are none, and rows of values; None is empty."""
        lists = [headers, *rows] if headers else [*rows]
        texts = [["" if value is None else str(value) for value in values] for values in lists]
        return FlatTable(title, _collapsed(texts), headed=bool(headers))

    @property
    def header_depth(self) -> int:
        """Number of leading rows whose cells are all headers.

        A cell as wide as the table is a header in the first row, but heads a section below a row of several headers.
        """
        depth = 0
        several = False
        grid: list[list[Cell]] = []
        for row in self.rows:
            if not row or not all(cell.header for cell in row):
                break
            if several and len(row) == 1:
                grid = grid or self.grid()
                if len(set(map(id, grid[depth]))) == 1:
                    break
            several = several or len(row) > 1
            depth += 1
        return depth

    def head(self, body_rows: int) -> Table:
        """The headers and the first `body_rows` rows below them."""
        return Table(self.title, self.rows[: self.header_depth + body_rows])

    def grid(self) -> list[list[Cell]]:
        """All slots, as many in each row: a merged cell stands in every slot it covers, `EMPTY` in those without one.

        Slots follow the HTML standard (section 4.9.12) with these differences: where two cells overlap the earlier one
        has the slot; and a column in which no cell begins, which the standard calls an error, is left out, so that a
        span reaches no further than the table. Raises `InputError` for more than `MAX_SLOTS` slots.
        """
        if not [1 for row in self.rows for cell in row if cell.rows != 1 or cell.columns != 1]:
            width = max(map(len, self.rows), default=0)
            check_size(width * len(self.rows))
            return [[*row, *[EMPTY] * (width - len(row))] for row in self.rows]
        placed = self.placed()
        slots: list[list[Cell | None]] = [[None] * max(p.right for p in placed) for _ in self.rows]
        for cell, top, bottom, left, right in placed:
            for row in slots[top:bottom]:
                row[left:right] = [cell if slot is None else slot for slot in row[left:right]]
        return [[EMPTY if slot is None else slot for slot in row] for row in slots]

    def texts(self) -> list[list[str]]:
        """What `grid` shows in each slot, pictures by their names in brackets. Raises `InputError` as `grid` does."""
        return [shown(row) for row in self.grid()]

    def placed(self) -> list[Placed]:
        """Each cell and the slots of the grid it covers, in the order of `rows`. Raises `InputError` as `grid` does."""
        placed = place(self.rows)
        starts = sorted({one.left for one in placed})
        placed = [
            one._replace(left=bisect_left(starts, one.left), right=bisect_left(starts, one.right)) for one in placed
        ]
        check_size(max(len(starts) * len(self.rows), sum((p.bottom - p.top) * (p.right - p.left) for p in placed)))
        return placed

    def to_html(self) -> str:
        """Plain HTML: caption, rows, headers, spans, and pictures by their alternative text."""
        caption = f"<caption>{markup.escape(self.title)}</caption>" if self.title else ""
        rows = ["<tr>" + "".join(map(_cell_html, row)) + "</tr>" for row in self.rows]
        return "\n".join([f"<table>{caption}", *rows, "</table>"])


class FlatTable(Table):
    """A table of flat lists, in which no cell is merged: it makes its cells when somebody asks for them.

    Most serialisers need the texts alone, and a corpus has tens of millions of cells.
    """

    _lists: list[list[str]]
    _headed: bool

    def __init__(self, title: str, lists: list[list[str]], *, headed: bool) -> None:
        vars(self).update(title=title, _lists=lists, _headed=headed)

    @cached_property
    def rows(self) -> Rows:
        """The lists as cells, the first of them as headers where there are any."""
        depth = self.header_depth
        return tuple([tuple([Cell(text, top < depth) for text in texts]) for top, texts in enumerate(self._lists)])

    @property
    def header_depth(self) -> int:
        """1, or 0 for a table without headers."""
        return int(self._headed)

    def texts(self) -> list[list[str]]:
        """The lists, as many texts in each. Raises `InputError` as `grid` does."""
        width = max(map(len, self._lists), default=0)
        check_size(width * len(self._lists))
        return [texts if len(texts) == width else [*texts, *[""] * (width - len(texts))] for texts in self._lists]


def shown(cells: Sequence[Cell]) -> list[str]:
    """What a reader sees of each cell."""
    return [cell.shown if cell.pictures else cell.text for cell in cells]


def _collapsed(lists: list[list[str]]) -> list[list[str]]:
    """The texts without white space at their ends, and one blank for any inside.

    Most tables are so already, which a look at all texts at once tells fastest: all white space but blanks is what
    Python calls unprintable.
    """
    whole = "|".join(["", *["|".join(texts) for texts in lists], ""])
    if whole.isprintable() and not any(doubtful in whole for doubtful in ("  ", " |", "| ")):
        return lists
    return [[" ".join(text.split()) for text in texts] for texts in lists]


def _cell_html(cell: Cell) -> str:
    tag = "th" if cell.header else "td"
    rows = f' rowspan="{cell.rows}"' if cell.rows != 1 else ""
    columns = f' colspan="{cell.columns}"' if cell.columns != 1 else ""
    pictures = "".join(f'<img alt="{markup.escape(name)}">' for name in cell.pictures)
    return f"<{tag}{rows}{columns}>{markup.escape(cell.text)}{pictures}</{tag}>"
