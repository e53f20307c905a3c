"""Cosines of pairs, and nearest neighbours by exhaustive search, in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....progress import bar
from .moments import Pairs

Matrix = NDArray[np.float32]
BLOCK = 4096  # rows searched for at a time
PAIRS = 1 << 11  # pairs whose vectors are gathered at a time: as many as stay in the cache
SLACK = 1e-4  # by which faiss's sums, made in another order, may differ from those of `cosines`


def cosines(vectors: Matrix, pairs: Pairs) -> NDArray[np.float32]:
    """Inner products of unit vectors `(n, d)`, for pairs of rows `(m, 2)`: float32 `(m,)`."""
    found = np.empty(len(pairs), np.float32)
    for start in range(0, len(pairs), PAIRS):
        a, b = pairs[start : start + PAIRS].T
        np.einsum("ij,ij->i", vectors[a], vectors[b], out=found[start : start + PAIRS])
    return found


@dataclass(frozen=True)
class Near:
    """Pairs of near rows.

    Parameters
    ----------
    pairs: int64 `(m, 2)`, each pair once or twice.
    cut: rows that had more near ones than were looked at, so that pairs may be missing.
    """

    pairs: Pairs
    cut: int


def near_pairs(vectors: Matrix, above: float, nearest: int, *, label: str, show: bool = False) -> Near:
    """Pairs of rows whose cosine is above a bound, or so near to it that `cosines` must decide.

    Parameters
    ----------
    vectors: unit vectors float32 `(n, d)`, contiguous.
    nearest: rows looked at for each row, among those of its own block of `BLOCK` and of all later ones: a pair is
        looked for once, which halves the work.
    """
    import faiss

    found, cut = [np.zeros((0, 2), np.int64)], 0
    with bar(len(vectors), label, "clip", show=show) as progress:
        for start in range(0, len(vectors), BLOCK):
            block, later = vectors[start : start + BLOCK], vectors[start:]
            count = min(nearest + 1, len(later))  # a row finds itself
            cosine, place = faiss.knn(block, later, count, metric=faiss.METRIC_INNER_PRODUCT)
            near = cosine > above - SLACK
            cut += int((near[:, -1] & (count < len(later))).sum())
            row, column = np.nonzero(near)
            pairs = np.stack([row, place[row, column]], axis=1) + start
            found.append(pairs[pairs[:, 0] != pairs[:, 1]])
            progress.update(len(block))
    return Near(np.concatenate(found), cut)
