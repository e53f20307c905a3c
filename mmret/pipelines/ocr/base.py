"""What an OCR engine gives: the lines of a picture, or a table in HTML."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

from PIL import Image

from ...tables import Table
from .layout import Line, as_text


@dataclass(frozen=True)
class Page:
    """What was read in a picture.

    Parameters
    ----------
    width, height: of the picture, pixels.
    lines: pieces of text with their places; empty for engines that write HTML.
    html: the table in HTML; empty for engines that find lines.
    cut: whether the engine stopped before the end, as a language model at its limit of tokens.
    """

    width: int
    height: int
    lines: tuple[Line, ...] = ()
    html: str = ""
    cut: bool = False

    @property
    def cells(self) -> list[list[str]]:
        """Rows of cells, top to bottom and left to right."""
        if not self.html:
            return as_text(self.lines)
        return [[cell.text for cell in row] for row in Table.from_html(self.html).rows]

    @property
    def text(self) -> str:
        """One row of the table a line, its cells parted by " | "."""
        return "\n".join(" | ".join(row) for row in self.cells)

    def describe(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        row: dict[str, Any] = {"width": self.width, "height": self.height}
        if self.html:
            row |= {"html": self.html, "cut": self.cut}
        return row | {"lines": [line.describe() for line in self.lines]}

    @classmethod
    def parse(cls, row: Mapping[str, Any]) -> Self:
        """The page that `describe` gave."""
        lines = tuple(Line.parse(line) for line in row["lines"])
        return cls(row["width"], row["height"], lines, row.get("html", ""), row.get("cut", False))


class Engine(Protocol):
    """Anything that reads pictures.

    Attributes
    ----------
    name: of the engine, and of the model where it is free.
    version: of the library, the binary or the code.
    settings: what else decides what is read, plain values.
    """

    name: str
    version: str
    settings: Mapping[str, Any]

    def load(self) -> None:
        """Load weights or whatever takes time; before it, an engine only describes itself."""
        ...

    def read(self, picture: Path) -> Page:
        """What stands in the picture.

        Raises `RunError` where no other picture could be read either, and ends the run; anything else costs this
        picture only.
        """
        ...


def identity(engine: Engine) -> dict[str, Any]:
    """All that decides what an engine reads, as plain values."""
    return {"engine": engine.name, "version": engine.version, "settings": dict(engine.settings)}


def fingerprint(engine: Engine) -> str:
    """Hex digest of `identity`."""
    return hashlib.sha256(json.dumps(identity(engine), sort_keys=True).encode()).hexdigest()[:32]


def open_picture(path: Path) -> Image.Image:
    """The picture in RGB, transparent parts white.

    Raises `OSError` for what is damaged or no picture, and Pillow's `DecompressionBombError` above 179 million pixels.
    """
    with warnings.catch_warnings():
        # A table of a thousand rows is a large picture and no attack; Pillow refuses at twice the size it warns of.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with Image.open(path) as image:
            if not image.has_transparency_data:
                return image.convert("RGB")
            with image.convert("RGBA") as layer:
                page = Image.new("RGB", layer.size, "white")
                page.paste(layer, mask=layer.getchannel("A"))
                return page
