"""Films for the tests: shots of coloured patterns that stand, pan or are plain, each frame with its number in it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

FPS = 10
RATE = 16_000
WIDTH, HEIGHT = 160, 96
BITS = 10


@dataclass(frozen=True)
class Shot:
    """`seed` decides pattern and sound; `pan` is in pixels a frame, `volume` 0 is silence.

    A plain one stands still and has no number.
    """

    seconds: float
    seed: int
    pan: int = 2
    volume: float = 0.3
    plain: bool = False

    @property
    def frames(self) -> int:
        return round(self.seconds * FPS)


def picture(shot: Shot, i: int, number: int) -> NDArray[np.uint8]:
    """Frame `i` of a shot, RGB, with `number` in black and white squares along its lower edge."""
    width, height = WIDTH, HEIGHT
    rng = np.random.default_rng(shot.seed)
    if shot.plain:
        return np.full((height, width, 3), rng.integers(60, 200, 3), np.uint8)
    coarse = rng.integers(0, 256, (6, 20, 3), np.uint8)
    wide = np.kron(coarse, np.ones((-(-height // 6), 16, 1), np.uint8))
    view = np.ascontiguousarray(np.roll(wide, -shot.pan * i, axis=1)[:height, :width])
    side = width // BITS
    for bit in range(BITS):
        view[height - side :, bit * side : (bit + 1) * side] = 255 if number >> bit & 1 else 0
    return view


def number_of(frame: NDArray[np.uint8]) -> int:
    """The number in a frame, RGB."""
    height, width = frame.shape[:2]
    side = width // BITS
    middles = [frame[height - side // 2 - 1, bit * side + side // 2].mean() > 127 for bit in range(BITS)]
    return sum(on << bit for bit, on in enumerate(middles))


def sound_of(shots: list[Shot], rate: int = RATE) -> NDArray[np.float32]:
    """Noise whose colour changes all the time, another for each seed."""
    parts = []
    for shot in shots:
        rng = np.random.default_rng(shot.seed + 1000)
        count = round(shot.frames / FPS * rate)
        slow = np.repeat(rng.uniform(0.1, 1, (-(-count // 2000), 4)), 2000, axis=0)[:count]
        time = np.arange(count) / rate
        tones = np.sin(2 * np.pi * time[:, None] * rng.uniform(350, 2800, 4))
        parts.append(shot.volume * ((slow * tones).sum(axis=1) / 4 + 0.1 * rng.standard_normal(count)))
    return np.concatenate(parts).astype(np.float32)


def write_film(
    path: Path,
    shots: list[Shot],
    *,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    sounds: int = 1,
    sound_codec: str = "aac",
    times: list[int] | None = None,
    rotation: int = 0,
    offset: int = 0,
    options: dict[str, str] | None = None,
) -> Path:
    """Write a film.

    Parameters
    ----------
    sounds: number of sound tracks; the first is that of the shots, further ones are silent.
    times: of the frames in milliseconds, where they are not equally far apart.
    offset: milliseconds after which everything begins.
    """
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, rate=FPS, options=options or {})
        video.width, video.height = size
        video.pix_fmt = pix_fmt
        video.codec_context.time_base = Fraction(1, 1000) if times or offset else Fraction(1, FPS)
        if rotation:
            video.set_display_rotation(rotation)
        tracks: list[Any] = [container.add_stream(sound_codec, rate=RATE, layout="mono") for _ in range(sounds)]
        wave = sound_of(shots)
        for i, track in enumerate(tracks):
            encoded = sound_frame(wave * (i == 0), offset)
            container.mux(track.encode(encoded))
            container.mux(track.encode())
        number = 0
        for shot in shots:
            for i in range(shot.frames):
                frame = av.VideoFrame.from_ndarray(picture(shot, i, number), format="rgb24").reformat(*size)
                if times or offset:
                    frame.pts, frame.time_base = (times or {number: 100 * number})[number] + offset, Fraction(1, 1000)
                container.mux(video.encode(frame))
                number += 1
        container.mux(video.encode())
    return path


def sound_frame(wave: NDArray[np.float32], offset: int = 0) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(wave[None], format="fltp", layout="mono")
    frame.sample_rate = RATE
    frame.pts, frame.time_base = offset * RATE // 1000, Fraction(1, RATE)
    return frame


def read(path: Path) -> tuple[list[NDArray[np.uint8]], list[float], NDArray[np.float32], int]:
    """Frames in RGB, their times, the sound `(samples,)` and its rate."""
    frames, times, blocks = [], [], []
    with av.open(str(path)) as container:
        rate = container.streams.audio[0].rate
        for frame in container.decode(video=0, audio=0):
            if isinstance(frame, av.VideoFrame):
                frames.append(frame.to_ndarray(format="rgb24"))
                times.append(float(frame.pts * frame.time_base))
            else:
                blocks.append(frame.to_ndarray().mean(axis=0))
    return frames, times, np.concatenate(blocks), rate
