"""Tables that scripts write into the README, between two marks."""

from __future__ import annotations

import sys
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"


def write(name: str, command: str, new: str) -> None:
    """Put a table where the marks of that name are."""
    README.write_text(between(README.read_text(), name, command, new))


def between(text: str, name: str, command: str, new: str) -> str:
    """The text with something new between the marks of that name."""
    begin, end = f"<!-- {name}: written by `{command}` -->", f"<!-- end of {name} -->"
    head, _, rest = text.partition(begin)
    _, _, tail = rest.partition(end)
    if not tail:
        sys.exit(f"{README}: the marks of {name} are missing: {begin} and {end}")
    return f"{head}{begin}\n{new}\n{end}{tail}"
