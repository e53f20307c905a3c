"""How pictures are drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path

from ...errors import InputError, unknown_name

STYLES = ("plain", "wikipedia", "dark", "latex")
ENGINES = ("chromium", "weasyprint")
MAX_PIXELS = 89_000_000  # from 89.5 million on, Pillow warns of a decompression bomb


@dataclass(frozen=True)
class Settings:
    """How tables and pages are drawn.

    Parameters
    ----------
    engine: who draws HTML, one of `ENGINES`.
    style: the look of tables that bring none of their own, one of `STYLES`.
    viewport: width and height of the browser's window, CSS pixels; a table is as wide as its text needs up to that
        width, and wider only when its words do not fit.
    scale: pixels for each CSS pixel, to two decimals.
    dpi: resolution of PDF pages.
    pages: documents drawn at a time, each in a process and browser page of its own; one for each core when None.
    time_limit: seconds for one document; for the first one in a process the start of its browser is counted in.
    max_pixels: the largest picture that is drawn; larger ones are refused, never cut.
    browser: path of the browser; searched when None.
    ray: address of a Ray cluster to draw on, "local" for one that is started here; this machine when None.
    assets: folder of the pictures that documents name by relative addresses; nothing is read when None.
    """

    engine: str = "chromium"
    style: str = "plain"
    viewport: tuple[int, int] = (1280, 800)
    scale: float = 1.0
    dpi: int = 150
    pages: int | None = None
    time_limit: float = 60.0
    max_pixels: int = MAX_PIXELS
    browser: Path | None = None
    ray: str | None = None
    assets: Path | None = None

    def __post_init__(self) -> None:
        if self.engine not in ENGINES:
            raise unknown_name("engine", self.engine, ENGINES)
        if self.style not in STYLES:
            raise unknown_name("style", self.style, STYLES)
        if not 0.1 <= self.scale <= 8 or round(self.scale, 2) != self.scale:
            raise InputError(f"scale {self.scale}: it must be a number from 0.1 to 8 with at most two decimals")
        if not all(1 <= side <= 16_000 for side in self.viewport):
            raise InputError(f"viewport {self.viewport}: width and height must be 1 to 16,000 pixels")
        if not 10 <= self.dpi <= 2400:
            raise InputError(f"dpi {self.dpi}: it must be 10 to 2400")
        if self.pages is not None and self.pages < 1:
            raise InputError(f"pages {self.pages}: at least one is needed")
        if not 0 < self.time_limit < math.inf:
            raise InputError(f"time limit {self.time_limit}: it must be a positive number of seconds")
        if self.assets is not None and not self.assets.is_dir():
            raise InputError(f"{self.assets}: no such folder of assets")

    @cached_property
    def css(self) -> str:
        """The style sheet of the style."""
        return (files(__package__) / "styles" / f"{self.style}.css").read_text(encoding="utf-8")
