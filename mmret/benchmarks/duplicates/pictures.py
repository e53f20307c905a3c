"""Pictures that look the same: a perceptual hash, and all pairs within a number of bits."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...items import Media
from ...media.decode import on_white

SIDE = 16
BITS = SIDE * SIDE  # of a hash
DISTANCE = 24  # bits in which the hash of a picture differs from that of the same in another size or compression
BLOCK = 1024  # pictures looked for at a time
Hashes = NDArray[np.uint8]


def picture_hash(media: Media) -> Hashes | None:
    """The perceptual hash of a picture, uint8 `(32,)`; None for one of a single colour, which looks like any other.

    A bit says whether one of the lowest 16 x 16 frequencies of the picture, shrunk to 64 x 64 shades of grey on white,
    is above their median ("pHash": Zauner, Implementation and Benchmarking of Perceptual Image Hash Functions, 2010).
    Raises what Pillow raises for a file that is no picture.
    """
    from scipy.fft import dctn

    with media.open() as file, Image.open(file) as image:
        small = on_white(image).resize((4 * SIDE, 4 * SIDE), Image.Resampling.LANCZOS)
    grey = np.asarray(small.convert("L"), np.float64)
    if grey.min() == grey.max():
        return None
    frequencies = dctn(grey)[:SIDE, :SIDE].ravel()
    return np.packbits(frequencies > np.median(frequencies))


def near_hashes(first: Hashes, second: Hashes | None = None, *, distance: int) -> Iterator[tuple[int, int, int]]:
    """Pairs of hashes, uint8 `(n, 32)` and `(m, 32)`, that differ in at most `distance` bits, with that number.

    None for `second` compares the first among themselves, each pair once.
    """
    import faiss

    others = first if second is None else second
    if not len(first) or not len(others):
        return
    index = faiss.IndexBinaryFlat(BITS)
    index.add(np.ascontiguousarray(others))
    for start in range(0, len(first), BLOCK):
        ends, bits, found = index.range_search(np.ascontiguousarray(first[start : start + BLOCK]), distance + 1)
        sizes = (ends[1:] - ends[:-1]).astype(np.int64)
        rows = start + np.repeat(np.arange(len(sizes)), sizes)
        triples = sorted(zip(rows.tolist(), found.tolist(), bits.astype(np.int64).tolist(), strict=True))
        yield from ((a, b, bit) for a, b, bit in triples if second is not None or a < b)
