"""The bootstrap over clusters of queries: what else the queries might have been."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
CHUNK = 1 << 20  # numbers drawn at a time
KEPT = 1 << 24  # numbers kept for the next measure, two bytes each
_normal = NormalDist()


def gap_of(a: Vector, b: Vector) -> Vector:
    """a - b, where two infinite ranks are the same."""
    return np.subtract(a, b, out=np.zeros(len(a)), where=a != b)


def cluster_sums(values: Vector, labels: NDArray[np.int64]) -> tuple[Vector, Vector]:
    """Sum and number of the values of each cluster, in an order that depends on nothing else."""
    order = np.lexsort((values, labels))
    sums = np.bincount(labels[order], values[order]).astype(np.float64)
    sizes: Vector = np.bincount(labels).astype(np.float64)
    order = np.lexsort((sizes, sums))
    return sums[order], sizes[order]


def bca(values: Vector, labels: NDArray[np.int64], level: float, samples: int, seed: int) -> tuple[float, float]:
    """Interval of the mean over clusters, bias-corrected and accelerated.

    Efron and Tibshirani, An Introduction to the Bootstrap, 1993, eq. (14.9)-(14.15).
    """
    sums, sizes = cluster_sums(values, labels)
    if len(sums) == 1:
        return float(values.min()), float(values.max())  # one cluster tells nothing of others: all that was seen
    means = np.sort(np.concatenate(list(_means(sums, sizes, samples, seed))))
    mean = sums.sum() / sizes.sum()
    below = ((means < mean).sum() + (means == mean).sum() / 2) / samples
    bias = _normal.inv_cdf(min(max(float(below), 1 / (samples + 1)), samples / (samples + 1)))
    left_out = (sums.sum() - sums) / (sizes.sum() - sizes)
    gaps = left_out.mean() - left_out
    spread = float((gaps**2).sum())
    skew = float((gaps**3).sum()) / (6 * spread**1.5) if spread > 0 else 0.0
    ends = []
    for z in (_normal.inv_cdf((1 - level) / 2), _normal.inv_cdf((1 + level) / 2)):
        shift = 1 - skew * (bias + z)
        ends.append(_normal.cdf(bias + (bias + z) / shift) if shift > 0 else float(bias + z > 0))
    low, high = np.quantile(means, sorted(ends))
    return float(low), float(high)


def percentiles(replicates: Vector, level: float) -> tuple[float, float]:
    """The middle `level` of the replicates."""
    ordered = np.sort(replicates)  # by position, not interpolated: ranks can be infinite
    ends = [round((len(ordered) - 1) * share) for share in ((1 - level) / 2, (1 + level) / 2)]
    return float(ordered[ends[0]]), float(ordered[ends[1]])


def _draws(count: int, samples: int, seed: int, width: int) -> Iterator[NDArray[np.integer]]:
    """Resampled clusters `(some, count)`; `width` numbers a sample are kept in memory at a time.

    The draws know nothing of the values, so the measures of the same queries share them.
    """
    step = max(1, CHUNK // width)
    if count <= np.iinfo(np.uint16).max and count * samples <= KEPT:
        return iter(_kept(count, samples, seed, step))
    return _drawn(count, samples, seed, step)


@lru_cache(maxsize=1)
def _kept(count: int, samples: int, seed: int, step: int) -> list[NDArray[np.uint16]]:
    return [some.astype(np.uint16) for some in _drawn(count, samples, seed, step)]


def _drawn(count: int, samples: int, seed: int, step: int) -> Iterator[NDArray[np.integer]]:
    generator = np.random.default_rng(seed)
    for start in range(0, samples, step):
        yield generator.integers(0, count, (min(step, samples - start), count), np.int32)


def _means(sums: Vector, sizes: Vector, samples: int, seed: int) -> Iterator[Vector]:
    alike = bool((sizes == sizes[0]).all())
    for drawn in _draws(len(sums), samples, seed, len(sums)):
        weights = len(sums) * sizes[0] if alike else sizes.take(drawn, mode="clip").sum(axis=1)
        yield sums.take(drawn, mode="clip").sum(axis=1) / weights  # clipping what lies inside saves a check each


def medians(columns: list[Vector], labels: NDArray[np.int64], samples: int, seed: int) -> Iterator[Vector]:
    """Medians of resampled clusters; of two columns, the differences of their medians."""
    labels = _canonical(columns, labels)
    count = int(labels.max()) + 1
    orders = [np.argsort(column, kind="stable") for column in columns]
    for drawn in _draws(count, samples, seed, len(labels)):
        keys = drawn + np.arange(len(drawn))[:, None] * count
        times = np.bincount(keys.ravel(), minlength=len(drawn) * count).reshape(len(drawn), count).astype(np.int32)
        medians = []
        for column, order in zip(columns, orders, strict=True):
            passed = times.take(labels[order], axis=1, mode="clip")
            np.cumsum(passed, axis=1, out=passed)
            total = passed[:, -1:]
            low, high = (passed >= (total + 1) // 2).argmax(axis=1), (passed > total // 2).argmax(axis=1)
            medians.append((column[order][low] + column[order][high]) / 2)
        yield medians[0] if len(medians) == 1 else gap_of(medians[0], medians[1])


def _canonical(columns: list[Vector], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Clusters numbered anew by the values they hold, so that the numbers depend on nothing else."""
    order = np.lexsort((*columns[::-1], labels))
    cuts = np.flatnonzero(np.diff(labels[order])) + 1
    held = [tuple(map(tuple, part)) for part in np.split(np.stack(columns, axis=1)[order], cuts)]
    number = np.empty(len(held), np.int64)
    number[sorted(range(len(held)), key=held.__getitem__)] = np.arange(len(held))
    return number[labels]
