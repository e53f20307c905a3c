"""A table as text: CSV with all digits for programs, Markdown and LaTeX as it is read."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

from ...board.database import Benchmark
from ...board.rows import Table
from .tables import columns_of, lines_of

_FORMULA = tuple("=+-@\t\r")  # what a spreadsheet takes for the beginning of a formula


def to_csv(table: Table, _: Benchmark) -> str:
    """One row a system; texts that a spreadsheet would take for formulas begin with an apostrophe."""
    facts = ("rank", "model", "team", "state", "submission", "track", "parameters", "open_weights", "saw_benchmark")
    rest = ("query_ms", "date", "gap")
    ends = ("value", "low", "high")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*facts, *rest, *(f"{name} {end}" for name in table.slices for end in ends)])
    for row in table.rows:
        figures = [getattr(row.figures.get(name), end, None) for name in table.slices for end in ends]
        writer.writerow([*(_harmless(getattr(row, name)) for name in (*facts, *rest)), *figures])
    return text.getvalue()


def to_markdown(table: Table, benchmark: Benchmark) -> str:
    """A Markdown table, with nothing in it that Markdown reads as more than text."""
    head, *rows = _cells(table, benchmark)
    lines = [[_plain(text) for text in line] for line in (head, *rows)]
    lines.insert(1, ["---"] * len(head))
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def to_latex(table: Table, benchmark: Benchmark) -> str:
    """A LaTeX `tabular` with booktabs rules."""
    import pandas as pd

    head, *rows = _cells(table, benchmark)
    return pd.DataFrame(rows, columns=head).to_latex(index=False, escape=True)


FORMS: dict[str, Callable[[Table, Benchmark], str]] = {"csv": to_csv, "markdown": to_markdown, "latex": to_latex}


def _cells(table: Table, benchmark: Benchmark) -> list[list[str]]:
    """Head and rows as they are read, intervals behind their figures."""
    columns = columns_of(table, benchmark)
    lines = lines_of(table.rows, columns, table.measure, benchmark.decimals)
    head = [f"{column.label} ({column.note})" if column.note else column.label for column in columns]
    body = [
        [f"{cell.text} [{cell.note}]" if cell.note and column.number else cell.text for column, cell in pairs]
        for pairs in (zip(columns, line.cells, strict=True) for line in lines)
    ]
    return [head, *body]


def _harmless(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _plain(text: str) -> str:
    return "".join(f"\\{sign}" if sign in r"\`*_[]<>|#!~&$" else sign for sign in text)
