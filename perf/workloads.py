"""The data that the contestants score, always the same: random unit vectors with a known target for each query."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmret.benchmarks.ragged import Ragged

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class Vectors:
    """One vector an item; `gallery` None = all documents."""

    queries: Matrix
    documents: Matrix
    targets: NDArray[np.int32]
    gallery: Ragged | None

    @property
    def probes(self) -> Ragged:
        return Ragged(np.arange(len(self.targets) + 1), self.targets)


@dataclass(frozen=True)
class Sets:
    """Equally many vectors for every query `(n, m, d)` and every document `(N, k, d)`."""

    queries: Matrix
    documents: Matrix
    targets: NDArray[np.int32]

    @property
    def probes(self) -> Ragged:
        return Ragged(np.arange(len(self.targets) + 1), self.targets)


@dataclass(frozen=True)
class Lists:
    """A run without ties: positions and scores `(queries, depth)`, and the positions of each query's positives."""

    positions: NDArray[np.int32]
    scores: NDArray[np.float64]
    positives: NDArray[np.int32]

    @property
    def run(self) -> Ragged:
        n, depth = self.positions.shape
        return Ragged(np.arange(n + 1) * depth, self.positions.ravel())

    @property
    def wanted(self) -> Ragged:
        n, each = self.positives.shape
        return Ragged(np.arange(n + 1) * each, self.positives.ravel())


def vectors(n: int, documents: int, d: int, likeness: float, gallery: int | None = None) -> Vectors:
    """Query = a * target + sqrt(1 - a * a) * noise, with a normal around `likeness`; lists hold the target."""
    random = np.random.default_rng(0)
    right = _unit(random, documents, d)
    targets = random.integers(0, documents, n).astype(np.int32)
    a = random.normal(likeness, 0.035, (n, 1)).astype(np.float32)
    left = a * right[targets] + np.sqrt(1 - a * a) * _unit(random, n, d)
    left /= np.linalg.norm(left, axis=1, keepdims=True)
    if gallery is None:
        return Vectors(left, right, targets, None)
    lists = []
    for target in targets.tolist():
        others = random.choice(documents - 1, gallery - 1, replace=False)
        lists.append(random.permutation(np.append(others + (others >= target), target)))
    return Vectors(left, right, targets, Ragged.of(lists))


def sets(n: int, m: int, documents: int, k: int, d: int) -> Sets:
    """Each query vector = 0.25 * a vector of the target + 0.97 * noise."""
    random = np.random.default_rng(0)
    right = _unit(random, documents * k, d).reshape(documents, k, d)
    targets = random.integers(0, documents, n).astype(np.int32)
    some = right[targets[:, None], random.integers(0, k, (n, m))]
    return Sets(np.float32(0.25) * some + np.float32(0.97) * _unit(random, n * m, d).reshape(n, m, d), right, targets)


def lists(n: int, depth: int, documents: int, positives: int) -> Lists:
    """`depth` random documents a query, with scores that all differ and are exact in float32."""
    random = np.random.default_rng(0)
    positions = np.stack([random.choice(documents, depth, replace=False) for _ in range(n)]).astype(np.int32)
    scores = np.stack([random.choice(1_000_000, depth, replace=False) for _ in range(n)]).astype(np.float64)
    columns = np.stack([random.choice(depth, positives, replace=False) for _ in range(n)])
    return Lists(positions, scores, np.take_along_axis(positions, columns, axis=1))


def _unit(random: np.random.Generator, n: int, d: int) -> Matrix:
    rows = random.standard_normal((n, d), dtype=np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows
