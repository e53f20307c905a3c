"""A sound as a picture: its waveform above its spectrogram."""

from __future__ import annotations

import io
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..items import Media
from .decode import read_sound

WIDTH, WAVE, BANDS = 360, 28, 72  # pixels: the time, the waveform's height, the spectrogram's
WINDOW = 2048  # samples
LOWEST, HIGHEST = 60.0, 16_000.0  # Hz, on a logarithmic axis
RANGE = 70.0  # dB below the loudest that are told apart
# From silence to the loudest; both on a light and on a dark page.
COLOURS = np.array([(16, 20, 26), (52, 28, 96), (148, 44, 110), (232, 96, 60), (250, 190, 70), (255, 250, 210)])


def draw_sound(media: Media) -> bytes:
    """PNG of `WIDTH` × (`WAVE` + `BANDS`) pixels. Raises `ValueError` for a file without sound."""
    sound, rate = read_sound(media)
    if sound is None or not len(sound):
        raise ValueError("no sound track")
    levels = np.concatenate([_wave(sound), _spectrogram(sound, rate)])
    places = np.linspace(0, 1, len(COLOURS))
    pixels = np.stack([np.interp(levels, places, COLOURS[:, i]) for i in range(3)], axis=-1)
    file = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(file, "PNG", optimize=True)
    return file.getvalue()


def _wave(sound: NDArray[np.float32]) -> NDArray[np.float64]:
    """Levels 0 … 1 `(WAVE, WIDTH)`: a bar as high as the loudest sample of each stretch, silence as a line."""
    edges = np.linspace(0, len(sound), WIDTH + 1).astype(int)
    loud = np.array([np.abs(sound[a : max(b, a + 1)]).max(initial=0) for a, b in pairwise(edges)])
    away = np.abs(np.arange(WAVE) - (WAVE - 1) / 2)[:, None]
    return np.where(away <= np.maximum(loud.clip(max=1) * WAVE / 2, 0.5), 0.8, 0.0)


def _spectrogram(sound: NDArray[np.float32], rate: int) -> NDArray[np.float64]:
    """Levels 0 … 1 `(BANDS, WIDTH)`, high tones on top: the loudest frequency of each band, in dB."""
    padded = np.pad(sound, WINDOW // 2)
    starts = np.linspace(0, len(sound) - 1, WIDTH).astype(int)
    pieces = padded[starts[:, None] + np.arange(WINDOW)] * np.hanning(WINDOW)
    power = np.abs(np.fft.rfft(pieces, axis=1)) ** 2
    tones = np.geomspace(LOWEST, min(HIGHEST, rate / 2), BANDS + 1) * WINDOW / rate
    bins = np.clip(np.round(tones).astype(int), 0, power.shape[1] - 1)
    bands = np.stack([power[:, a : max(b, a + 1)].max(axis=1) for a, b in pairwise(bins)])[::-1]
    decibels = 10 * np.log10(np.maximum(bands, 1e-12))
    return np.clip(1 + (decibels - max(decibels.max(), -40.0)) / RANGE, 0, 1)
