"""Pictures of tables as Pillow images."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from ..errors import InputError
from ..items import Media
from ..media.decode import on_white


def read_picture(picture: Path | Media) -> Image.Image:
    """A picture file in RGB, on white where it is transparent. Raises `InputError` when it cannot be read."""
    media = picture if isinstance(picture, Media) else Media(picture)
    try:
        with media.open() as file, Image.open(file) as image:
            return on_white(image)
    except Exception as error:  # Pillow raises many kinds on damaged files; each means the same here
        raise InputError(f"{media}: not a readable picture: {error}") from None
