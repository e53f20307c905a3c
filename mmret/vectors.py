"""Vectors as they travel from encoders through the store to the scores: one an item, or a set of them an item."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray


class Rows(Protocol):
    """A matrix `(n, d)` whose rows can be read by slice or by int array: numpy, a memory map, torch, own shards.

    Its type must be contained in float32: float32, float16, bfloat16 (torch), or integers of up to 16 bits.
    """

    @property
    def shape(self) -> Any:
        """(n, d)."""

    def __getitem__(self, where: Any, /) -> Any: ...


@dataclass(frozen=True, eq=False)
class VectorSets:
    """A set of vectors an item, for late interaction; no padding, so none can win a maximum.

    `vectors` `(total, d)`, float32 or narrower (see `Rows`), encoders give float32; `offsets` int64 `(items + 1,)`:
    those of item i are `vectors[offsets[i]:offsets[i + 1]]`, at least one.
    """

    vectors: Rows
    offsets: NDArray[np.int64]

    @classmethod
    def of(cls, sets: Sequence[NDArray[np.float32]]) -> Self:
        """Pack one matrix `(vectors of the item, d)` an item; at least one item."""
        return cls(np.concatenate(sets), offsets_of([len(one) for one in sets]))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, item: int) -> Any:
        return self.vectors[self.offsets[item] : self.offsets[item + 1]]

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Number of vectors of each item, int64 `(items,)`."""
        return np.diff(self.offsets)


Vectors: TypeAlias = NDArray[np.float32] | VectorSets
"""What an encoder gives: float32 `(n, d)`, or sets of float32 vectors."""


def offsets_of(sizes: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each of consecutive pieces begins, and the last ends, int64 `(pieces + 1,)`."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes, dtype=np.int64)])


def matrix_of(vectors: Vectors) -> Rows:
    """All vectors, one after the other, `(total, d)`."""
    return vectors.vectors if isinstance(vectors, VectorSets) else vectors
