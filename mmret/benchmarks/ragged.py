"""Lists of different lengths in two flat arrays: the form in which galleries and positives travel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..vectors import offsets_of

BLOCK = 1 << 17  # entries worked on at a time, so that ten million need little beside themselves


@dataclass(frozen=True)
class Ragged:
    """A list of document positions for each query.

    Parameters
    ----------
    offsets: int64 `(queries + 1,)`; list i is `positions[offsets[i]:offsets[i + 1]]`.
    positions: int32 `(entries,)`, indices into a benchmark's documents.
    """

    offsets: NDArray[np.int64]
    positions: NDArray[np.int32]

    @classmethod
    def of(cls, lists: Sequence[Sequence[int] | NDArray[np.integer]]) -> Self:
        """Pack `lists` of document positions."""
        flat = [np.asarray(one, np.int32) for one in lists]
        return cls(offsets_of([len(one) for one in lists]), np.concatenate(flat) if flat else np.zeros(0, np.int32))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> NDArray[np.int32]:
        return self.positions[self.offsets[index] : self.offsets[index + 1]]

    def __iter__(self) -> Iterator[NDArray[np.int32]]:
        return (self[i] for i in range(len(self)))

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Length of each list, int64 `(queries,)`."""
        return np.diff(self.offsets)

    @property
    def rows(self) -> NDArray[np.int64]:
        """For each entry the number of the list it stands in, int64 `(entries,)`."""
        return np.repeat(np.arange(len(self)), self.sizes)

    def entries(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where in `positions` the lists `rows` stand, one after the other, int64."""
        sizes = self.sizes[rows]
        found = np.arange(int(sizes.sum()))
        found += np.repeat(self.offsets[rows] - (sizes.cumsum() - sizes), sizes)
        return found

    def moved(self, rows: NDArray[np.int64], place: NDArray[np.int32]) -> Self:
        """The lists `rows`, each position p in them replaced by `place[p]`, or left out where that is -1."""
        parts, sizes = [np.zeros(0, np.int32)], [np.zeros(0, np.int64)]
        for some in _blocks(self.sizes[rows]):
            moved = place[self.positions[self.entries(rows[some])]]
            owner = np.repeat(np.arange(some.stop - some.start), self.sizes[rows[some]])
            parts.append(moved[moved >= 0])
            sizes.append(np.bincount(owner[moved >= 0], minlength=some.stop - some.start))
        return type(self)(offsets_of(np.concatenate(sizes)), np.concatenate(parts))

    def ordered(self) -> Self:
        """The same lists, each in ascending order."""
        ordered = self.positions.copy()
        for some in _blocks(self.sizes):
            entries = slice(self.offsets[some.start], self.offsets[some.stop])
            rows = np.repeat(np.arange(some.stop - some.start, dtype=np.int64) << 32, self.sizes[some])
            rows += self.positions[entries]
            rows.sort()
            ordered[entries] = rows & 0xFFFFFFFF
        return type(self)(self.offsets, ordered)

    def repeats(self) -> NDArray[np.bool_]:
        """For each list, which must be in ascending order, whether a position stands in it twice; bool `(queries,)`."""
        twice = np.flatnonzero(self.positions[1:] == self.positions[:-1]) + 1
        found = np.zeros(len(self), bool)
        found[self._row_of(twice[~np.isin(twice, self.offsets)])] = True
        return found

    def holds(self, rows: NDArray[np.int64], positions: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Whether the list `rows[i]` holds `positions[i]`, bool `(n,)`; all lists must be in ascending order."""
        found = np.zeros(len(rows), bool)
        for i, (row, position) in enumerate(zip(rows.tolist(), positions.tolist(), strict=True)):
            one = self[row]
            at = np.searchsorted(one, position)
            found[i] = at < len(one) and one[at] == position
        return found

    def kinds(self) -> NDArray[np.int64]:
        """A number for each list, int64 `(queries,)`; equal lists, which must be in ascending order, share one."""
        numbers: dict[bytes, int] = {}
        return np.asarray([numbers.setdefault(one.tobytes(), len(numbers)) for one in self], np.int64)

    def _row_of(self, entries: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.searchsorted(self.offsets, entries, side="right") - 1


def _blocks(sizes: NDArray[np.int64]) -> Iterator[slice]:
    """Runs of lists with about `BLOCK` entries together."""
    block_of = (np.cumsum(sizes) - sizes) // BLOCK
    edges = [0, *(np.flatnonzero(np.diff(block_of)) + 1).tolist(), len(sizes)] if len(sizes) else [0]
    return (slice(a, b) for a, b in pairwise(edges))
