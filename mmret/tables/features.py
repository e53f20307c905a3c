"""What makes a table hard, read from its cells or from its picture: figures to slice results by."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from ..items import Media
from .pictures import read_picture
from .table import Table

WINDOW = (1920, 1080)  # pixels of the browser window that TaR-ViR's bands refer to
SAMPLE = 1_000_000  # pixels looked at for shares and colours
CONTRAST = 32  # grey levels by which ink differs from the paper

Band = Literal["easy", "medium", "hard"]


def features(table: Table) -> dict[str, float]:
    """The structure of a table.

    - `rows`, `columns`: size of the grid, headers included
    - `cells`, `merged`: number of cells, and of those that cover several slots
    - `header_depth`: leading rows of headers
    - `nested`, `pictures`: number of tables and of pictures inside cells
    - `empty_share`: share of the grid's slots that hold neither text nor picture, in [0, 1]
    - `text_density`: characters a cell

    A table without cells has 0 everywhere. Raises `InputError` for a table with too many slots.
    """
    grid = table.grid()
    slots = [cell for row in grid for cell in row]
    cells = table.placed()
    return {
        "rows": float(len(grid)),
        "columns": float(len(grid[0]) if grid else 0),
        "cells": float(len(cells)),
        "merged": float(sum(one.bottom - one.top > 1 or one.right - one.left > 1 for one in cells)),
        "header_depth": float(table.header_depth),
        "nested": float(sum(one.cell.nested for one in cells)),
        "pictures": float(sum(len(one.cell.pictures) for one in cells)),
        "empty_share": sum(not cell.text and not cell.pictures for cell in slots) / max(len(slots), 1),
        "text_density": sum(len(one.cell.text) for one in cells) / max(len(cells), 1),
    }


def image_features(picture: Path | Media) -> dict[str, float]:
    """What a picture of a table looks like.

    - `width`, `height`: pixels
    - `aspect`: width / height
    - `area`: share of a window of 1920 × 1080 pixels; above 1 for a picture larger than it
    - `ink_share`: share of pixels that stand out from the commonest grey level, in [0, 1]: how densely it is filled
    - `colourfulness`: 0 for grey, above 100 for garish (Hasler and Süsstrunk, Measuring colourfulness in natural
      images, 2003)

    Raises `InputError` when the picture cannot be read.
    """
    image = read_picture(picture)
    width, height = image.size
    factor = min(1.0, math.sqrt(SAMPLE / (width * height)))
    # Single pixels, not averages: a mean over letters and paper is neither.
    sample = image.resize((max(1, int(width * factor)), max(1, int(height * factor))), Image.Resampling.NEAREST)
    grey = np.asarray(sample.convert("L"), np.int16)
    paper = int(np.bincount(grey.ravel(), minlength=256).argmax())
    return {
        "width": float(width),
        "height": float(height),
        "aspect": width / height,
        "area": _windows(width, height),
        "ink_share": float((np.abs(grey - paper) > CONTRAST).mean()),
        "colourfulness": _colourfulness(sample),
    }


def area_band(width: float, height: float) -> Band:
    """TaR-ViR's difficulty by the area of a picture in pixels.

    "easy" is less than a quarter of a window of 1920 × 1080, "hard" more than the whole, "medium" what lies between.
    """
    area = _windows(width, height)
    return "easy" if area < 0.25 else "medium" if area <= 1 else "hard"


def _windows(width: float, height: float) -> float:
    return width * height / (WINDOW[0] * WINDOW[1])


def _colourfulness(image: Image.Image) -> float:
    red, green, blue = np.moveaxis(np.asarray(image, np.float64), -1, 0)
    opponents = np.stack([red - green, (red + green) / 2 - blue]).reshape(2, -1)
    return float(np.linalg.norm(opponents.std(1)) + 0.3 * np.linalg.norm(opponents.mean(1)))
