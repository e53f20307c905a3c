"""Tables that scripts write into pages of the documentation, between two marks."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

PAGES = Path(__file__).resolve().parents[1] / "docs"


def cell(entry: Mapping[str, float]) -> str:
    """A figure in percent with its interval."""
    return "{:.1f} [{:.0f}–{:.0f}]".format(*(100 * entry[key] for key in ("value", "low", "high")))


def write(page: str, name: str, command: str, new: str) -> None:
    """Put a table where the marks of that name are in a page, such as "tables.md"."""
    path = PAGES / page
    begin, end = f"<!-- {name}: written by `{command}` -->", f"<!-- end of {name} -->"
    head, _, rest = path.read_text().partition(begin)
    _, _, tail = rest.partition(end)
    if not tail:
        sys.exit(f"{path}: the marks of {name} are missing: {begin} and {end}")
    path.write_text(f"{head}{begin}\n{new}\n{end}{tail}")
