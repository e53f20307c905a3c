"""Clips that are nearly the same: perceptual hashes of pictures and sound.

A clip counts as a near duplicate only where both are alike: the same picture with another sound is what a benchmark of
composed video retrieval looks for. Found are copies in another size or compression, cut at the same places.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ....benchmarks.duplicates.pictures import BITS, near_hashes
from ..records import Clip

FRAMES = 4
SIDE = 32  # pixels of the frames that are hashed
_LOWEST = 8
_TIMES, _BANDS = 33, 9
_HERTZ = 300.0, 3000.0


def picture_hash(frames: NDArray[np.uint8]) -> str:
    """64 bits of each of 4 frames, grey uint8 `(4, 32, 32)`, in hex.

    A bit says whether one of the lowest 8 x 8 frequencies of a frame is above their median ("pHash": Zauner,
    Implementation and Benchmarking of Perceptual Image Hash Functions, 2010).
    """
    from scipy.fft import dctn

    lowest = dctn(frames.astype(np.float64), axes=(1, 2))[:, :_LOWEST, :_LOWEST].reshape(FRAMES, -1)
    return np.packbits(lowest > np.median(lowest, axis=1, keepdims=True)).tobytes().hex()


def sound_hash(sound: NDArray[np.float32], rate: int) -> str:
    """256 bits of mono sound `(samples,)`, in hex.

    A bit says whether the step of energy from one band to the next, between 300 and 3,000 Hz, grew from one 33rd of
    the sound to the next (after Haitsma and Kalker, A Highly Robust Audio Fingerprinting System, 2002).
    """
    borders = np.geomspace(*_HERTZ, _BANDS + 1)
    energy = np.zeros((_TIMES, _BANDS))
    for i, part in enumerate(np.array_split(sound.astype(np.float64), _TIMES)):
        power = np.square(np.abs(np.fft.rfft(part * np.hanning(len(part)))))
        places = np.searchsorted(np.fft.rfftfreq(len(part), 1 / rate), borders)
        energy[i] = [power[a:b].sum() for a, b in pairwise(places)]
    return np.packbits(np.diff(np.diff(energy, axis=1), axis=0) > 0).tobytes().hex()


def near_duplicates(clips: Sequence[Clip], *, pictures: int, sounds: int) -> dict[str, str]:
    """Clip → the first clip that it nearly repeats, which repeats none itself; ids.

    Parameters
    ----------
    pictures, sounds: most bits, of 256, in which the hashes of two such clips differ.
    """
    seen, heard = (
        np.asarray([list(bytes.fromhex(getattr(one, name))) for one in clips], np.uint8).reshape(-1, BITS // 8)
        for name in ("phash", "sound_hash")
    )
    found: dict[int, int] = {}
    for a, b, _ in near_hashes(seen, distance=pictures):
        if a not in found and b not in found and int(np.bitwise_count(heard[a] ^ heard[b]).sum()) <= sounds:
            found[b] = a
    return {clips[b].id: clips[a].id for b, a in found.items()}
