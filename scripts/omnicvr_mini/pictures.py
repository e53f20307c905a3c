"""Makes the picture streams: shots of a film, and slow moves over photographs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
from PIL import Image


def make_frames(recipe: dict[str, Any], count: int, video: dict[str, int], sources: Path) -> list[Image.Image]:
    """Render one picture of the recipe as ``count`` frames."""
    size = (video["width"], video["height"])
    if "shot" in recipe:
        film = sources / "moviepy" / recipe["shot"]["file"]
        return film_frames(film, recipe["shot"]["start"], count, video["fps"], size)
    photo = recipe["photo"]
    path = sources / photo["origin"] / photo["file"]
    return photo_frames(path, photo["from"], photo["to"], count, size)


def film_frames(film: Path, start: float, count: int, fps: int, size: tuple[int, int]) -> list[Image.Image]:
    """Take frames at an even pace from ``start`` on, scaled down to ``size``."""
    frames: list[Image.Image] = []
    with av.open(str(film)) as container:
        stream = container.streams.video[0]
        assert stream.time_base is not None
        container.seek(int(start / stream.time_base), stream=stream)
        for frame in container.decode(stream):
            assert frame.time is not None
            # Half a film frame of slack: the film's time stamps are multiples of 1/24 s in floating point.
            if frame.time < start + len(frames) / fps - 1 / 48:
                continue
            picture = Image.fromarray(frame.to_ndarray(format="rgb24"))
            frames.append(picture.resize(size, Image.Resampling.LANCZOS))
            if len(frames) == count:
                return frames
    raise ValueError(f"the film ends before {count} frames from {start} s")


def photo_frames(
    path: Path, first: list[float], last: list[float], count: int, size: tuple[int, int]
) -> list[Image.Image]:
    """Move a crop evenly from ``first`` to ``last``; each is centre x, centre y and width as shares of the photo."""
    photo = Image.open(path).convert("RGB")
    frames = []
    for index in range(count):
        share = index / (count - 1)
        x, y, wide = (a + (b - a) * share for a, b in zip(first, last, strict=True))
        width = wide * photo.width
        height = width * size[1] / size[0]
        left, top = x * photo.width - width / 2, y * photo.height - height / 2
        if min(left, top) < -0.01 or left + width > photo.width + 0.01 or top + height > photo.height + 0.01:
            raise ValueError(f"the crop of {path.name} leaves the photo at frame {index}")
        box = (max(left, 0), max(top, 0), min(left + width, photo.width), min(top + height, photo.height))
        frames.append(photo.resize(size, Image.Resampling.LANCZOS, box=box))
    return frames
