"""Tables of texts, for the terminal and for data cards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """A title, headings, and rows of as many texts."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        """As Markdown; signs that would end a cell are escaped."""
        lines = [self.headings, ["---"] * len(self.headings), *self.rows]
        cells = (" | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in line) for line in lines)
        return f"### {self.title}\n\n" + "\n".join(f"| {line} |" for line in cells)
