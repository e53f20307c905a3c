"""Lists of different lengths in two flat arrays: the form in which galleries and positives travel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray


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
        offsets = np.zeros(len(lists) + 1, np.int64)
        np.cumsum([len(one) for one in lists], out=offsets[1:])
        flat = [np.asarray(one, np.int32) for one in lists]
        return cls(offsets, np.concatenate(flat) if flat else np.zeros(0, np.int32))

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
