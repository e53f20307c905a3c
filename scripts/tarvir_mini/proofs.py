"""Which tables hold a fact: a scan over all cells of all tables, read from their HTML.

A fact is a cell and the terms it stands with. A table holds it if a cell of its grid shows the value and each term is
shown by another cell of the same row, by a header above in the same column, or by the table's title.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from mmret.tables import Cell, Table

_PARTS = re.compile(r"[;,()/]|\s–\s")
_WORD = re.compile(r"[\w+]+")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")


@dataclass(frozen=True)
class Fact:
    """A value and the terms that it must stand with."""

    cell: str
    terms: tuple[str, ...]


@dataclass(frozen=True)
class Scanned:
    """A table made ready for the scan."""

    table: Table

    @cached_property
    def grid(self) -> list[list[frozenset[str]]]:
        """What each slot shows: its text, the parts of it between commas and brackets, and its pictures' names."""
        shown = {cell: show(cell) for row in self.table.rows for cell in row}
        return [[shown.get(cell, frozenset()) for cell in row] for row in self.table.grid()]

    @cached_property
    def title(self) -> str:
        """The title, normalised and with spaces around its words."""
        return words_of(self.table.title)

    @cached_property
    def everything(self) -> frozenset[str]:
        """All that any slot shows."""
        return frozenset().union(*(slot for row in self.grid for slot in row))

    def titled(self, term: str) -> bool:
        """Whether the title has the term as whole words."""
        words = words_of(term)
        return bool(words.strip()) and words in self.title

    def holds(self, fact: Fact, with_title: bool = True) -> bool:
        """Whether the table holds the fact; `with_title=False` asks whether its cells alone do."""
        terms = {normalise(term) for term in fact.terms}
        if with_title:
            terms = {term for term in terms if not self.titled(term)}
        value = normalise(fact.cell)
        if not {value, *terms} <= self.everything:
            return False
        depth = self.table.header_depth
        return any(
            terms
            <= frozenset().union(*(row[:place]), *(row[place + 1 :]), *(head[place] for head in self.grid[:depth]))
            for row in self.grid[depth:]
            for place, slot in enumerate(row)
            if value in slot
        )


def normalise(text: str) -> str:
    """One form for what reads the same: compatibility characters, case, spaces, minus signs, thousands."""
    text = unicodedata.normalize("NFKC", text).casefold().replace("−", "-")
    return _THOUSANDS.sub("", " ".join(text.split()))


def words_of(text: str) -> str:
    """The words of a text, normalised, with a space before and after each."""
    return f" {' '.join(_WORD.findall(normalise(text)))} "


def show(cell: Cell) -> frozenset[str]:
    """All that a cell can be said to show."""
    text = normalise(cell.text)
    parts = {part.strip() for part in _PARTS.split(text)}
    return frozenset({text, *parts, *cell.pictures} - {""})


def find(facts: Sequence[Fact], tables: dict[str, Scanned]) -> list[str]:
    """Ids of the tables that hold all the facts, in the order of `tables`."""
    return [name for name, table in tables.items() if all(table.holds(fact) for fact in facts)]


def needs(facts: Iterable[Fact], tables: Iterable[Scanned]) -> str:
    """What a system must read to see that these tables hold the facts: a picture, a title or the content alone."""
    facts = list(facts)
    if any(term.endswith(".png") for fact in facts for term in (fact.cell, *fact.terms)):
        return "picture"
    return "content" if all(table.holds(fact, with_title=False) for table in tables for fact in facts) else "title"
