"""Pictures of tables as Pillow images."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from ..errors import InputError
from ..items import Media


def read_picture(picture: Path | Media) -> Image.Image:
    """A picture file in RGB, on white where it is transparent. Raises `InputError` when it cannot be read."""
    media = picture if isinstance(picture, Media) else Media(picture)
    try:
        with media.open() as file, Image.open(file) as image:
            return on_white(image)
    except Exception as error:  # Pillow raises many kinds on damaged files; each means the same here
        raise InputError(f"{media}: not a readable picture: {error}") from None


def on_white(image: Image.Image) -> Image.Image:
    """The image in RGB, on white where it is transparent."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
