"""rapidocr: PP-OCR models whose weights lie in the package, on onnxruntime."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .base import Page, open_picture
from .layout import Line
from .tiles import OVERLAP, SIDE, Boxes, joined, tiles

CONFIDENCE = 0.5  # the library's own threshold for what was read
LEAST = 160  # a tile's sides are at least so long, pixels
PARAMETERS = {
    # The library enlarges a picture until its shorter side is 736: five times the time for a small table, and hours for
    # a strip of a few pixels. Here nothing is enlarged; what is too narrow gets a margin.
    "Det.limit_side_len": LEAST,
    "Global.use_vertical_padding": False,
    "Det.max_candidates": 100_000,  # of 1,000 boxes a tile, the library's limit, a dense table has more
    "Global.max_side_len": SIDE,  # what is larger would be shrunk; tiles never are
    "Rec.rec_img_shape": [3, 48, 96],  # the library pads each cell to 320 pixels, for twice the time
}


class RapidOcr:
    """PP-OCR's detector over overlapping tiles, then its recogniser over each line found. One thread.

    Text is taken to stand upright: the classifier of upside-down lines is off.
    """

    name = "rapidocr"

    def __init__(self) -> None:
        self.version = version("rapidocr")
        self.settings: Mapping[str, Any] = {
            **PARAMETERS,
            "confidence": CONFIDENCE,
            "tile": [LEAST, SIDE],
            "overlap": OVERLAP,
        }
        self._engine: Any = None

    def load(self) -> None:
        """Load both models, 30 MB."""
        import cv2
        from rapidocr import RapidOCR

        cv2.setNumThreads(1)
        threads = {f"EngineConfig.onnxruntime.{kind}_op_num_threads": 1 for kind in ("intra", "inter")}
        fixed = {"Global.log_level": "critical", "Global.use_cls": False}
        self._engine = RapidOCR(params={**fixed, **threads, **PARAMETERS})
        blank = np.full((32, 96, 3), 255, np.uint8)  # the library loads each model when it first needs it
        self._engine(blank, use_rec=False)
        self._engine.recognize_txt([blank])

    def read(self, picture: Path) -> Page:
        """The lines of a picture of any size."""
        with open_picture(picture) as image:
            pixels = np.ascontiguousarray(np.asarray(image)[..., ::-1])  # the library expects BGR
        height, width = pixels.shape[:2]
        boxes = joined([self._detect(pixels, *tile) for tile in tiles(width, height)])
        return Page(width, height, self._recognise(pixels, boxes))

    def _detect(self, pixels: NDArray[np.uint8], left: int, top: int, right: int, bottom: int) -> Boxes:
        """Where text stands in a tile."""
        tile = pixels[top:bottom, left:right]
        height, width = tile.shape[:2]
        shown = np.full((max(height, LEAST), max(width, LEAST), 3), tile[-1, -1], np.uint8)
        shown[:height, :width] = tile
        found = self._engine(shown, use_rec=False).boxes
        if found is None:
            return np.zeros((0, 4, 2), np.float32)
        inside = np.minimum(np.asarray(found, np.float32), np.array([width, height], np.float32))
        return inside + np.array([left, top], np.float32)

    def _recognise(self, pixels: NDArray[np.uint8], boxes: Boxes) -> tuple[Line, ...]:
        """What the text in boxes says."""
        if not len(boxes):
            return ()
        read = self._engine.recognize_txt(self._engine.crop_text_regions(pixels, boxes))
        corners = np.concatenate([boxes.min(1), boxes.max(1)], axis=1).round().astype(int).tolist()
        return tuple(
            Line(text.strip(), (left, top, right, bottom), float(score))
            for text, score, (left, top, right, bottom) in zip(read.txts, read.scores, corners, strict=True)
            if text.strip() and score >= CONFIDENCE
        )
