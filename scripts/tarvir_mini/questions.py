"""Questions with what proves them: the hand-written ones are joined to the cells that answer them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tarvir_mini.proofs import Fact, Scanned, find, needs, normalise

MOST_GOLD = 3


class QuestionError(Exception):
    """A question whose answer is not in the table it names, or is in too many tables."""


@dataclass(frozen=True)
class Question:
    """A question, its answer, the facts that prove the answer, and all tables that hold them."""

    text: str
    kind: str
    needs: str
    answer: str
    facts: tuple[Fact, ...]
    tables: tuple[str, ...]


def resolve(row: dict[str, Any], tables: dict[str, Scanned], pictures: dict[str, str]) -> Question:
    """Look the facts of a written question up and find every table that holds them.

    Each of its `cells` is [table, row terms, column terms, further terms]: the cell where that row and that column
    meet. A term may name a picture, as "flag:pe" or "emoji:taco".
    """
    facts = [look_up(tables, pictures, *cell) for cell in row["cells"]]
    found = find(facts, tables)
    meant = {cell[0] for cell in row["cells"]}
    if not meant <= set(found) or len(found) > MOST_GOLD:
        raise QuestionError(f"{row['text']!r} is about {sorted(meant)} and answered by {found}")
    answer = row.get("answer") or ", ".join(dict.fromkeys(fact.cell for fact in facts))
    return Question(
        row["text"], row["kind"], needs(facts, (tables[name] for name in found)), answer, tuple(facts), tuple(found)
    )


def look_up(
    tables: dict[str, Scanned],
    pictures: dict[str, str],
    name: str,
    row_terms: str | Sequence[str],
    column_terms: str | Sequence[str],
    *further: str,
) -> Fact:
    """The fact in the one cell where a row and a column meet."""
    rows = [named(term, pictures) for term in as_list(row_terms)]
    columns = as_list(column_terms)
    scanned = tables[name]
    depth = scanned.table.header_depth
    grid = scanned.table.grid()
    values = {
        grid[y][x].text or "".join(grid[y][x].pictures)
        for y in range(depth, len(grid))
        for x in range(len(grid[y]))
        if covers(columns, [scanned.grid[head][x] for head in range(depth)])
        and covers(rows, scanned.grid[y][:x] + scanned.grid[y][x + 1 :])
    }
    if len(values) != 1:
        raise QuestionError(f"{name}: {len(values)} cells where {rows} and {columns} meet: {sorted(values)[:5]}")
    return Fact(values.pop(), (*rows, *columns, *further))


def covers(terms: Sequence[str], slots: Sequence[frozenset[str]]) -> bool:
    """Whether each term is shown by one of the slots."""
    return {normalise(term) for term in terms} <= frozenset().union(*slots)


def named(term: str, pictures: dict[str, str]) -> str:
    """A term as a cell shows it: the file name of a picture, or the term itself."""
    return pictures[term].rpartition("/")[2] if term in pictures else term


def as_list(terms: str | Sequence[str]) -> list[str]:
    """One term or several as a list."""
    return [terms] if isinstance(terms, str) else list(terms)
