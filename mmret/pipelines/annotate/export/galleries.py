"""The candidates of each query: its target and source, hard distractors, and clips drawn at random."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..config import Export
from ..gates import Space
from ..mine.moments import Moments, Pairs, mixed
from ..mine.similarity import Matrix

BLOCK = 32  # queries whose similarities to all clips are computed together
DIGITS = 6  # of a similarity that count, so that the order of sums decides nothing
SPACES: tuple[tuple[Space, Space, str], ...] = (
    ("visual", "audio", "like the target in picture, not in sound"),
    ("audio", "visual", "like the target in sound, not in picture"),
)
PARTS = ("target", "source", "of the source's original", *(name for *_, name in SPACES), "drawn at random")


@dataclass(frozen=True)
class Gallery:
    """The candidates of a query.

    Parameters
    ----------
    rows: numbers of clips, int64, ascending, so that their order tells nothing.
    parts: for each of `PARTS` how many of them there are.
    """

    rows: NDArray[np.int64]
    parts: Mapping[str, int]


def galleries(moments: Moments, vectors: Mapping[Space, Matrix], pairs: Pairs, settings: Export) -> Iterator[Gallery]:
    """A gallery for each pair.

    Parameters
    ----------
    moments: the clips of the split, at least two.
    vectors: unit vectors float32 `(clips, d)` in each space; zeros where a clip has none.
    pairs: source and target, int64 `(m, 2)`, as numbers of clips.

    In this order, until there are `settings.gallery`: the target and the source; clips of the source's original, those
    nearest in time; clips nearest to the target in pictures, among the half of all that sounds least like it; the same
    with picture and sound exchanged; clips drawn by a hash of their ids, the query's and the seed. So a gallery does
    not depend on the other queries, and hardly on clips that are added.
    """
    known = np.all([own.any(axis=1) for own in vectors.values()], axis=0)
    keys = moments.keys(pairs)
    for start in range(0, len(pairs), BLOCK):
        some = pairs[start : start + BLOCK]
        near = {space: _cosines(own, some[:, 1]) for space, own in vectors.items()}
        for i, (source, target) in enumerate(some.tolist()):
            drawn = mixed(moments.key + keys[start + i])
            filling = _Filling(len(moments), settings.gallery)
            filling.take(PARTS[0], [target], 1)
            filling.take(PARTS[1], [source], 1)
            filling.take(PARTS[2], _of_original(moments, source), settings.same_original)
            for like, unlike, name in SPACES:
                rows = filling.left & known & known[target]
                filling.take(name, _like(near[like][i], near[unlike][i], rows, drawn), settings.alike)
            filling.take(PARTS[5], np.argsort(drawn, kind="stable"), settings.gallery)
            yield filling.gallery()


class _Filling:
    """A gallery that is being filled."""

    def __init__(self, clips: int, size: int) -> None:
        self.left = np.ones(clips, bool)
        self._room = size
        self._parts: dict[str, int] = {}

    def take(self, part: str, rows: Sequence[int] | NDArray[np.int64], most: int) -> None:
        """The first of some clips that are left, while there is room."""
        wanted = np.asarray(rows, np.int64)
        taken = wanted[self.left[wanted]][: min(most, self._room)]
        self.left[taken] = False
        self._room -= len(taken)
        self._parts[part] = len(taken)

    def gallery(self) -> Gallery:
        return Gallery(np.flatnonzero(~self.left), self._parts)


def _cosines(vectors: Matrix, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Cosines of some clips to all, float64 `(rows, clips)`, rounded."""
    asked = vectors[rows].astype(np.float64).T
    parts = [vectors[at : at + 8192].astype(np.float64) @ asked for at in range(0, len(vectors), 8192)]
    return np.round(np.concatenate(parts).T, DIGITS)


def _of_original(moments: Moments, clip: int) -> NDArray[np.int64]:
    """The clips of one's original, the nearest in time first."""
    rows = np.flatnonzero(moments.original == moments.original[clip])
    return rows[np.lexsort((moments.key[rows], np.abs(moments.start[rows] - moments.start[clip])))]


def _like(
    like: NDArray[np.float64], unlike: NDArray[np.float64], among: NDArray[np.bool_], keys: NDArray[np.uint64]
) -> NDArray[np.int64]:
    """Of some clips the half that is least like in one space, the likest in the other first."""
    rows = np.flatnonzero(among)
    if len(rows):
        rows = rows[unlike[rows] <= np.median(unlike[rows])]
    return rows[np.lexsort((keys[rows], -like[rows]))]
