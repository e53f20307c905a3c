"""Pieces of text to rows of cells, by their places alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Line:
    """A piece of text on one line.

    Parameters
    ----------
    text: what was read.
    box: left, top, right, bottom in pixels.
    confidence: the engine's own, 0 to 1.
    """

    text: str
    box: tuple[int, int, int, int]
    confidence: float

    @property
    def middle(self) -> float:
        """Height of its middle, pixels from the top."""
        return (self.box[1] + self.box[3]) / 2

    def describe(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {"text": self.text, "box": list(self.box), "confidence": round(self.confidence, 3)}

    @classmethod
    def parse(cls, row: Mapping[str, Any]) -> Self:
        """The line that `describe` gave."""
        left, top, right, bottom = row["box"]
        return cls(row["text"], (left, top, right, bottom), row["confidence"])


def as_text(lines: Iterable[Line]) -> list[list[str]]:
    """The texts of the lines as rows of cells."""
    return [[line.text for line in row] for row in rows_of(lines)]


def rows_of(lines: Iterable[Line]) -> list[list[Line]]:
    """Lines at one height, top to bottom; within a row left to right.

    A line joins the row above it when it shares more than half its height, or the row's, with it.
    """
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: (line.middle, line.box)):
        if rows and _shared(line, rows[-1]):
            rows[-1].append(line)
        else:
            rows.append([line])
    return [sorted(row, key=lambda line: (line.box[0], line.box)) for row in rows]


def _shared(line: Line, row: Sequence[Line]) -> bool:
    """Whether a line stands at the height of a row: its mean place, so that rows do not chain on a skewed page."""
    top = sum(other.box[1] for other in row) / len(row)
    bottom = sum(other.box[3] for other in row) / len(row)
    shared = min(bottom, line.box[3]) - max(top, line.box[1])
    return shared > 0.5 * min(bottom - top, line.box[3] - line.box[1])
