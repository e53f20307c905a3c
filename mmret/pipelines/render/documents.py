"""What is drawn, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from io import BytesIO

from PIL import Image

from ...errors import RunError
from ...items import Media, text_digest
from ...media import Fault

MARGIN = 8  # CSS pixels left free around a table


@dataclass(frozen=True)
class PdfPage:
    """A page of a PDF file, counted from 1."""

    file: Media
    number: int


@dataclass(frozen=True)
class Document:
    """One thing to draw: an id, and HTML with a table, a page of a PDF file, or why it could not be read."""

    id: str
    content: str | PdfPage | Fault

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of what is drawn, whatever its id and path."""
        if isinstance(self.content, PdfPage):
            return text_digest(f"{self.content.file.digest}:{self.content.number}")
        return text_digest(self.content if isinstance(self.content, str) else self.content.reason)


@dataclass(frozen=True)
class Picture:
    """A drawn document.

    Parameters
    ----------
    png: the bytes of the PNG file.
    width, height: its size in pixels.
    tables: how many tables stand beside each other in the document, of which the first is drawn; 0 for a page.
    assets: pictures it named in the folder of assets, and the SHA-256 of each; None for one that is not there.
    refused: addresses that were not loaded.
    """

    png: bytes
    width: int
    height: int
    tables: int = 0
    assets: Mapping[str, str | None] = field(default_factory=dict)
    refused: Sequence[str] = ()


def png_bytes(image: Image.Image) -> bytes:
    """The image as a PNG file."""
    file = BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def check_size(width: int, height: int, most: int) -> None:
    """Raise `RunError` for a picture of more than `most` pixels."""
    if width * height > most:
        raise RunError(
            f"{width:,} x {height:,} pixels are more than {most:,}; nothing is cut, so it was not drawn: "
            "allow more with --max-pixels or take a smaller --scale or --dpi"
        )
