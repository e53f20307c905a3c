"""Pictures of tables, drawn: what they say is known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

WORDS = [
    "alpha",
    "bravo",
    "charlie",
    "delta",
    "echo",
    "foxtrot",
    "golf",
    "hotel",
    "india",
    "juliet",
    "kilo",
    "lima",
    "mike",
    "november",
    "oscar",
    "papa",
]
Rows = Sequence[Sequence[str]]
SMALL: Rows = [["City", "People", "Share"], ["Oslo", "709,037", "12.5%"], ["Bergen", "291,940", "5"]]


def draw_table(path: Path, rows: Rows, *, column: int = 120, row: int = 26, size: int = 15) -> Path:
    """A ruled table, black on white; widths and heights in pixels."""
    image = Image.new("RGB", (column * len(rows[0]) + 1, row * len(rows) + 1), "white")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(size)
    for i, cells in enumerate(rows):
        for j, text in enumerate(cells):
            x, y = column * j, row * i
            pen.rectangle((x, y, x + column, y + row), outline="grey")
            pen.text((x + 8, y + row / 2), text, fill="black", font=font, anchor="lm")
    image.save(path)
    return path


def words_table(rows: int, columns: int) -> Rows:
    """No two cells alike: a word and a number."""
    return [[f"{WORDS[(7 * i + 3 * j) % len(WORDS)]} {i * columns + j}" for j in range(columns)] for i in range(rows)]
