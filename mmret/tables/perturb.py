"""Tables in another order and titles spoilt: the facts stay, so a good retriever should not care.

Rows and columns that a merged cell holds together move as one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from operator import attrgetter

from numpy.random import Generator

from .cells import Cell, Placed
from .table import Table

_UNSPACED = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # kana and Han, written without spaces
_WORD = re.compile(rf"[{_UNSPACED}]|[^\s{_UNSPACED}]+")


def permute_rows(table: Table, rng: Generator) -> Table:
    """The table with the rows below its headers in random order.

    Rows that share a merged cell keep their order, and those that share one with the headers stay below them. A row
    that is one cell or headers only heads a section: it stays, and rows move within their section.
    """
    placed, depth = _exact(table), table.header_depth
    width = max((one.right for one in placed), default=0)
    rows: list[list[Placed]] = [[] for _ in table.rows]
    for one in placed:
        rows[one.top].append(one)
    order: list[range] = []
    section: list[range] = []
    for block in _blocks(len(rows), [(one.top, one.bottom) for one in placed]):
        if block.start < depth or _heads(rows[block.start], width):
            order += [*_shuffled(section, rng), block]
            section = []
        else:
            section.append(block)
    order += _shuffled(section, rng)
    return Table(table.title, tuple(tuple(one.cell for one in rows[top]) for block in order for top in block))


def permute_columns(table: Table, rng: Generator) -> Table:
    """The table with its columns in random order.

    Columns under a common header, or otherwise under one cell that is not as wide as the table, keep their order. The
    leading columns that hold nothing but headers below the header rows stay where they are.
    """
    placed = _exact(table)
    width = max((one.right for one in placed), default=0)
    body = table.grid()[table.header_depth :]
    heading = 0
    while body and heading < width and all(row[heading].header for row in body):
        heading += 1
    blocks = _blocks(width, [(one.left, one.right) for one in placed if one.right - one.left < width])
    staying = [block for block in blocks if block.start < heading]
    order = [*staying, *_shuffled(blocks[len(staying) :], rng)]
    place = {column: new for new, column in enumerate(column for block in order for column in block)}
    rows: list[list[tuple[int, Cell]]] = [[] for _ in table.rows]
    for one in placed:
        left = 0 if one.right - one.left == width else place[one.left]
        rows[one.top].append((left, one.cell))
    return Table(table.title, tuple(tuple(cell for _, cell in sorted(row, key=lambda pair: pair[0])) for row in rows))


def noise_title(title: str, rng: Generator, rate: float) -> str:
    """The title with each word spoilt at the given rate: left out, or with a letter lost, doubled or swapped.

    A sign of a script without spaces counts as a word. With the same draws, a higher rate spoils the same words and
    more.
    """

    def spoil(word: re.Match[str]) -> str:
        chance, how, where = rng.random(3)
        return _spoilt(word[0], how, int(where * len(word[0]))) if chance < rate else word[0]

    return " ".join(_WORD.sub(spoil, title).split())


def _spoilt(word: str, how: float, at: int) -> str:
    """Half of the draws of `how` from [0, 1) leave the word out; `at` is the letter that suffers otherwise."""
    if how < 1 / 2 or len(word) < 2:
        return ""
    if how < 4 / 6:
        return word[:at] + word[at + 1 :]
    if how < 5 / 6:
        return word[: at + 1] + word[at:]
    at = min(at, len(word) - 2)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def _exact(table: Table) -> list[Placed]:
    """Cells by row and column, with spans that are what they cover, and an empty cell in each slot without one."""
    placed = table.placed()
    width = max((one.right for one in placed), default=0)
    free = [bytearray(b"\1" * width) for _ in table.rows]
    for one in placed:
        for row in free[one.top : one.bottom]:
            row[one.left : one.right] = bytes(one.right - one.left)
    depth = table.header_depth
    whole = [
        one._replace(cell=one.cell._replace(rows=one.bottom - one.top, columns=one.right - one.left)) for one in placed
    ]
    gaps = [
        Placed(Cell("", header=top < depth), top, top + 1, left, left + 1)
        for top, row in enumerate(free)
        for left, is_free in enumerate(row)
        if is_free
    ]
    return sorted(whole + gaps, key=attrgetter("top", "left"))


def _blocks(size: int, held: Iterable[tuple[int, int]]) -> list[range]:
    """`range(size)` in the smallest stretches that part none of the stretches (begin, end) in `held`."""
    change = [0] * (size + 1)
    for begin, end in held:
        change[begin + 1] += 1
        change[end] -= 1
    blocks: list[range] = []
    begin = crossing = 0
    for end in range(1, size + 1):
        crossing += change[end]
        if not crossing:
            blocks.append(range(begin, end))
            begin = end
    return blocks


def _heads(row: Sequence[Placed], width: int) -> bool:
    return all(one.cell.header for one in row) or (width > 1 and row[0].right - row[0].left == width)


def _shuffled(blocks: Sequence[range], rng: Generator) -> list[range]:
    return [blocks[i] for i in rng.permutation(len(blocks))]
