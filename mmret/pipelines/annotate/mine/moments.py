"""Where clips lie in their originals, so that no clip is paired with the same moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ....items import text_digest
from ..records import Clip

Pairs = NDArray[np.int64]


@dataclass(frozen=True)
class Moments:
    """Clips as arrays, sorted by id.

    Parameters
    ----------
    ids: of the clips.
    original: int64 `(n,)`, equal for clips of one original.
    start, end: float64 `(n,)`, seconds.
    key: uint64 `(n,)`, a hash of the id and the seed, from which all is drawn, so that it depends on no order.
    """

    ids: list[str]
    original: NDArray[np.int64]
    start: NDArray[np.float64]
    end: NDArray[np.float64]
    key: NDArray[np.uint64]

    @classmethod
    def of(cls, clips: Sequence[Clip], seed: int) -> Self:
        """Of clips, which must be sorted by id."""
        ids = [clip.id for clip in clips]
        original = np.unique([clip.original for clip in clips], return_inverse=True)[1].astype(np.int64)
        start, end = (np.array([getattr(clip, name) for clip in clips], np.float64) for name in ("start", "end"))
        key = [int(text_digest(f"{seed}:{one}")[:16], 16) for one in ids]
        return cls(ids, original, start, end, np.array(key, np.uint64))

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: NDArray[np.int64]) -> Moments:
        """Those of some clips."""
        ids = [self.ids[i] for i in rows.tolist()]
        return Moments(ids, self.original[rows], self.start[rows], self.end[rows], self.key[rows])

    def apart(self, pairs: Pairs, gap: float) -> NDArray[np.bool_]:
        """Which pairs `(m, 2)` are of two originals, or of one with at least `gap` seconds between; none of itself."""
        a, b = pairs.T
        between = np.maximum(self.start[a], self.start[b]) - np.minimum(self.end[a], self.end[b])
        return (a != b) & ((self.original[a] != self.original[b]) | (between >= gap))

    def keys(self, pairs: Pairs) -> NDArray[np.uint64]:
        """A hash of each pair, whichever is named first, uint64 `(m,)`."""
        first, second = np.sort(self.key[pairs], axis=1).T
        return mixed(mixed(first) + second)


def mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Each bit of the result depends on all bits of the value (the finaliser of SplitMix64: Steele, Lea and Flood,
    OOPSLA 2014).
    """
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
