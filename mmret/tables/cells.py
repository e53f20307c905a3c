"""Cells, and which slots of the grid each of them covers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..errors import InputError

MAX_SLOTS = 1_000_000  # a real table of 300,000 characters has fewer than 100,000 slots


class Cell(NamedTuple):
    """A cell of a table.

    Parameters
    ----------
    text: what a reader sees, white space collapsed.
    header: whether it is a header cell.
    rows, columns: how many of them it covers; `rows=0` means all down to the end of the table.
    pictures: of each picture in it the alternative text, else its file's name, else "".
    nested: number of tables inside it; their text is part of `text`.
    """

    text: str
    header: bool = False
    rows: int = 1
    columns: int = 1
    pictures: tuple[str, ...] = ()
    nested: int = 0

    @property
    def shown(self) -> str:
        """The text, and each picture's name in brackets behind it: "France [flag of France]"."""
        return " ".join([self.text, *(f"[{name}]" for name in self.pictures)]).strip()


EMPTY = Cell("")


class Placed(NamedTuple):
    """A cell and the slots it covers: rows `top` to `bottom`, columns `left` to `right`, both ends excluded."""

    cell: Cell
    top: int
    bottom: int
    left: int
    right: int


def check_size(slots: int) -> None:
    """Raise `InputError` for more than `MAX_SLOTS` slots, before the memory for them is taken."""
    if slots > MAX_SLOTS:
        raise InputError(
            f"the table's spans or ragged rows make more than {MAX_SLOTS:,} slots; leave it out or mend it"
        )


def place(rows: Sequence[Sequence[Cell]]) -> list[Placed]:
    """Cells with their slots, columns not yet packed: a cell begins in the first column free in its row."""
    placed: list[Placed] = []
    above: list[Placed] = []  # cells of earlier rows that reach into this one, by column
    for top, row in enumerate(rows):
        above = [one for one in above if one.bottom > top]
        begun: list[Placed] = []
        column = seen = 0
        for cell in row:
            while seen < len(above) and above[seen].left <= column:
                column = max(column, above[seen].right)
                seen += 1
            left = len(rows) - top
            begun.append(Placed(cell, top, top + min(cell.rows or left, left), column, column + cell.columns))
            column += cell.columns
        placed += begun
        check_size(len(placed) + top * len(above))
        tall = [one for one in begun if one.bottom > top + 1]
        if tall:
            above = sorted(above + tall, key=lambda one: one.left)
    return placed
