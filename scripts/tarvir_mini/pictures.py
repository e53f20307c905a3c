"""Small pictures that stand in cells, named by their content so that a name tells nothing."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

from PIL import Image


class Album:
    """Collects the pictures that tables use; `files` maps the path inside the benchmark to the PNG's bytes."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.names: dict[str, str] = {}

    def add(self, name: str, path: Path, width: int) -> str:
        """Shrink a picture to `width` pixels, keep it, and give its path; `name` is what questions call it."""
        with Image.open(path) as opened:
            picture = opened.convert("RGBA")
        height = max(1, round(picture.height * width / picture.width))
        small = picture.resize((width, height), Image.Resampling.LANCZOS)
        file = io.BytesIO()
        small.quantize(64, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
        inside = f"assets/{hashlib.sha256(file.getvalue()).hexdigest()[:10]}.png"
        self.files[inside] = file.getvalue()
        self.names[name] = inside
        return inside
