"""Vectors of length 1, and sums of them: how towers that share a space are pooled and composed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """The vector `(d,)` brought to length 1; a zero vector stays zero."""
    length = np.linalg.norm(vector)
    return vector / length if length > 0 else vector


def mean_of_units(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Unit vector `(d,)` of the mean of the rows `(n, d)`, each brought to length 1 first."""
    return unit(np.stack([unit(vector) for vector in vectors]).mean(0, dtype=np.float32))


def weighted_sum(*parts: tuple[float, NDArray[np.float32] | None]) -> NDArray[np.float32] | None:
    """Unit vector `(d,)` of the sum of unit vectors by weight, of those that are there; None where none is."""
    there = [np.float32(weight) * vector for weight, vector in parts if vector is not None]
    return unit(np.sum(there, axis=0, dtype=np.float32)) if there else None
