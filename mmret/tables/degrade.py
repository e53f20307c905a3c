"""Pictures of tables made worse, as by a scanner, a camera or a thrifty web server. All are RGB, on white."""

from __future__ import annotations

import io

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageFilter

from ..media.decode import on_white

JPEG_SIDE = 65_488  # libjpeg writes at most 65,500 pixels a side; its blocks are of 16
STRIP = 1024  # rows that are worked on at a time, so that a long picture needs little memory


def scale(image: Image.Image, factor: float) -> Image.Image:
    """The picture at another resolution: `factor` times as wide and as high."""
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return on_white(image).resize(size, Image.Resampling.LANCZOS)


def blur(image: Image.Image, radius: float) -> Image.Image:
    """Gaussian blur; `radius` is its standard deviation in pixels."""
    return on_white(image).filter(ImageFilter.GaussianBlur(radius))


def jpeg(image: Image.Image, quality: float) -> Image.Image:
    """What is left after JPEG compression at a quality from 1 to 95."""
    whole = on_white(image)
    for top in range(0, whole.height, JPEG_SIDE):
        for left in range(0, whole.width, JPEG_SIDE):
            box = (left, top, min(left + JPEG_SIDE, whole.width), min(top + JPEG_SIDE, whole.height))
            file = io.BytesIO()
            whole.crop(box).save(file, "JPEG", quality=round(quality))
            with Image.open(file) as part:
                whole.paste(part, box)
    return whole


def skew(image: Image.Image, degrees: float) -> Image.Image:
    """The picture turned counter-clockwise; it grows so that nothing is cut, and its corners are white."""
    return on_white(image).rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor="white")


def scan_noise(image: Image.Image, rng: Generator, strength: float) -> Image.Image:
    """Uneven light and grain, as of a bad scan.

    Parameters
    ----------
    strength: from 0 to 1; the darkest place loses up to half of it, and the grain's standard deviation is a quarter of
        it, both as a share of full white.
    """
    whole = on_white(image)
    shade = Image.fromarray(rng.random((4, 4), np.float32)).resize(whole.size, Image.Resampling.BILINEAR)
    for top in range(0, whole.height, STRIP):
        box = (0, top, whole.width, min(top + STRIP, whole.height))
        light = 1 - 0.5 * strength * np.asarray(shade.crop(box))
        grain = 0.25 * 255 * strength * rng.standard_normal(light.shape, np.float32)
        pixels = np.asarray(whole.crop(box), np.float32) * light[..., None] + grain[..., None]
        whole.paste(Image.fromarray(pixels.round().clip(0, 255).astype(np.uint8)), box)
    return whole
