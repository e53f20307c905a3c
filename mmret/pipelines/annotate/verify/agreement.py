"""How far judges agree beyond chance: Cohen's kappa of two, Krippendorff's alpha of any number with gaps.

Both are worked out from a table of pairs of labels, category × category, which is a sum over the items judged. So both
have one bootstrap: items, or clusters of items that stand or fall together, are drawn with replacement.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....errors import InputError

Ratings = Sequence[Sequence[Hashable | None]]
Matrix = NDArray[np.float64]
CHUNK = 1 << 20  # numbers drawn at a time


@dataclass(frozen=True)
class Agreement:
    """Agreement beyond chance.

    Parameters
    ----------
    value: 1 for perfect agreement, 0 for that of chance; NaN where all labels given are the same one, or no item has
        two labels: then nothing is known of how far the judges can be told from chance.
    low, high: 95 % bootstrap interval; NaN where `value` is.
    items: that have the labels of at least two judges.
    raw: share of pairs of labels that are equal.
    """

    value: float
    low: float
    high: float
    items: int
    raw: float


def cohen_kappa(
    first: Sequence[Hashable | None],
    second: Sequence[Hashable | None],
    clusters: Sequence[Hashable] | None = None,
    *,
    samples: int = 2000,
    seed: int = 0,
) -> Agreement:
    """Cohen's kappa of two judges (Educational and Psychological Measurement 20, 1960).

    Parameters
    ----------
    first, second: the label of each item, None where the judge gave none; such items are left out.
    clusters: equal for items that belong together; None = each item for itself.
    samples, seed: of the percentile bootstrap.

    Raises `InputError` where the lengths differ.
    """
    codes = _coded([first, second])
    return _agreement(_confusions(codes), _kappa, clusters, samples, seed)


def krippendorff_alpha(
    ratings: Ratings,
    clusters: Sequence[Hashable] | None = None,
    *,
    samples: int = 2000,
    seed: int = 0,
) -> Agreement:
    """Krippendorff's alpha for nominal labels (Computing Krippendorff's Alpha-Reliability, 2011, section C).

    Parameters
    ----------
    ratings: for each judge the label of each item, None where the judge gave none.

    The others are those of `cohen_kappa`.
    """
    codes = _coded(ratings)
    return _agreement(_coincidences(codes), _alpha, clusters, samples, seed)


def _coded(ratings: Ratings) -> NDArray[np.int64]:
    """Labels numbered from 0, -1 for none, `(judges, items)`."""
    if not ratings or len({len(own) for own in ratings}) > 1:
        raise InputError("agreement needs judges who were asked the same items; give None where one gave no label")
    labels = sorted({label for own in ratings for label in own if label is not None}, key=repr)
    number = {label: i for i, label in enumerate(labels)}
    return np.array([[-1 if label is None else number[label] for label in own] for own in ratings], np.int64)


def _confusions(codes: NDArray[np.int64]) -> Matrix:
    """For each item the table of the first judge's label by the second's, `(items, labels, labels)`."""
    labels = int(codes.max(initial=-1)) + 1
    tables = np.zeros((codes.shape[1], labels, labels))
    both = np.flatnonzero((codes >= 0).all(axis=0))
    tables[both, codes[0, both], codes[1, both]] = 1
    return tables


def _coincidences(codes: NDArray[np.int64]) -> Matrix:
    """For each item its coincidences: ordered pairs of labels of different judges, each worth 1 / (labels - 1)."""
    labels = int(codes.max(initial=-1)) + 1
    counts = (codes[:, :, None] == np.arange(labels)).sum(axis=0).astype(np.float64)
    given = counts.sum(axis=1)
    pairs = counts[:, :, None] * counts[:, None, :]
    pairs[:, np.arange(labels), np.arange(labels)] -= counts
    return np.where(given > 1, 1 / np.maximum(given - 1, 1), 0)[:, None, None] * pairs


def _kappa(tables: Matrix) -> NDArray[np.float64]:
    """Kappa of confusion tables `(n, labels, labels)`; NaN where chance agrees always."""
    total = np.maximum(tables.sum(axis=(1, 2)), 1)
    observed = np.trace(tables, axis1=1, axis2=2) / total
    expected = (tables.sum(axis=2) * tables.sum(axis=1)).sum(axis=1) / total**2
    return _beyond(observed, expected)


def _alpha(tables: Matrix) -> NDArray[np.float64]:
    """Alpha of tables of coincidences `(n, labels, labels)`; NaN where there is one label only."""
    sizes = tables.sum(axis=2)
    total = np.maximum(sizes.sum(axis=1), 1)
    observed = np.trace(tables, axis1=1, axis2=2) / total
    expected = (sizes * (sizes - 1)).sum(axis=1) / np.maximum(total * (total - 1), 1)
    return _beyond(observed, expected)


def _beyond(observed: NDArray[np.float64], expected: NDArray[np.float64]) -> NDArray[np.float64]:
    room = 1 - expected
    known = room > 1e-12
    return np.divide(observed - expected, room, out=np.full(len(room), math.nan), where=known)


def _agreement(
    tables: Matrix,
    measure: Callable[[Matrix], NDArray[np.float64]],
    clusters: Sequence[Hashable] | None,
    samples: int,
    seed: int,
) -> Agreement:
    judged = tables.any(axis=(1, 2))
    items = int(judged.sum())
    if not items:
        return Agreement(math.nan, math.nan, math.nan, 0, math.nan)
    whole = tables.sum(axis=0, keepdims=True)
    value, raw = float(measure(whole)[0]), float(np.trace(whole[0]) / whole.sum())
    if math.isnan(value):
        return Agreement(value, math.nan, math.nan, items, raw)
    units = _summed(tables, clusters)[_summed(judged.astype(float), clusters) > 0]
    replicates = np.concatenate([measure(drawn) for drawn in _resampled(units, samples, seed)])
    # A sample in which all labels are the same one has no value; it says nothing of either end.
    low, high = np.nanquantile(replicates, [0.025, 0.975])
    return Agreement(value, float(low), float(high), items, raw)


def _summed(values: Matrix, clusters: Sequence[Hashable] | None) -> Matrix:
    """Sums over clusters, of the first axis, in the order in which the clusters come."""
    if clusters is None:
        return values
    if len(clusters) != len(values):
        raise InputError(f"{len(clusters)} cluster labels for {len(values)} items")
    number: dict[Hashable, int] = {}
    places = [number.setdefault(cluster, len(number)) for cluster in clusters]
    sums = np.zeros((len(number), *values.shape[1:]))
    np.add.at(sums, places, values)
    return sums


def _resampled(units: Matrix, samples: int, seed: int) -> list[Matrix]:
    """Sums of tables drawn with replacement, `(some, labels, labels)` each."""
    generator = np.random.default_rng(seed)
    count, step = len(units), max(1, CHUNK // len(units))
    flat = units.reshape(count, -1)
    drawn = []
    for start in range(0, samples, step):
        times = generator.multinomial(count, np.full(count, 1 / count), size=min(step, samples - start))
        drawn.append((times @ flat).reshape(-1, *units.shape[1:]))
    return drawn
