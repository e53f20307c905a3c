"""How sure: intervals for a figure, tests for a difference, and which systems cannot be told apart.

Queries are the sampling unit, or clusters of queries (made from one video or page, say), which stand or fall together.
Everything random is drawn from a seed and put in an order of its own first, so a result depends on neither the order
of queries nor which system is named first.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError

Vector = NDArray[np.float64]
Labels = NDArray[np.integer] | None
Aggregate = Literal["mean", "median"]
CHUNK = 1 << 20  # numbers drawn at a time
KEPT = 1 << 24  # numbers kept for the next measure, two bytes each
_normal = NormalDist()


def interval(
    values: ArrayLike,
    clusters: Labels = None,
    *,
    aggregate: Aggregate = "mean",
    level: float = 0.95,
    samples: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """Confidence interval of the mean or median over queries.

    Parameters
    ----------
    values: float `(queries,)`, one measure for each query.
    clusters: int `(queries,)`, equal for queries that belong together; None = each query for itself.
    level: probability that the interval is to cover.

    Hits (values that are all 0 or 1) and values that are all the same within 0 … 1: Wilson's score interval (JASA 22,
    1927), which keeps its level near 0 and 1 (Brown, Cai and DasGupta, Statistical Science 16(2), 2001) and is not
    empty at 0 and 1, where every bootstrap sample repeats the figure. Clusters count through the design effect (Kish,
    Survey Sampling, 1965). Other means: BCa bootstrap over clusters (Efron, JASA 82, 1987), because values of
    rank measures are skewed. Medians: percentile bootstrap, as BCa's acceleration does not exist for them.

    A mean that is infinite has no interval (NaN). Raises `InputError` for NaN, and where there are no values.
    """
    numbers, labels = _checked(values, clusters)
    if aggregate == "median":
        return _percentiles(np.concatenate(list(_medians([numbers], labels, samples, seed))), level)
    if np.isinf(numbers).any():
        return math.nan, math.nan
    same = numbers.min() == numbers.max() and 0 <= numbers.min() <= 1
    if same or np.isin(numbers, (0.0, 1.0)).all():
        return _wilson(numbers, labels, level)
    return _bca(numbers, labels, level, samples, seed)


@dataclass(frozen=True)
class Comparison:
    """Two systems on the same queries; the first less the second.

    `effect` with the interval `low`, `high`: difference of the aggregates; `p`: paired randomisation test of the mean
    difference; `sign_p`: exact sign test, which for hits (R@1) is McNemar's; `wins`, `ties`, `losses`: queries;
    `needed`: queries needed to tell such systems apart with 80 % power, None where the means are equal.
    """

    effect: float
    low: float
    high: float
    p: float
    sign_p: float
    wins: int
    ties: int
    losses: int
    needed: int | None


def compare(
    first: ArrayLike,
    second: ArrayLike,
    clusters: Labels = None,
    *,
    aggregate: Aggregate = "mean",
    level: float = 0.95,
    samples: int = 10_000,
    seed: int = 0,
) -> Comparison:
    """Everything about one pair of systems; float `(queries,)` each, in the same order of queries."""
    a, b, labels = _pair(first, second, clusters)
    effect, low, high = difference(a, b, labels, aggregate=aggregate, level=level, samples=samples, seed=seed)
    wins, ties, losses = win_tie_loss(a, b)
    return Comparison(
        effect=effect,
        low=low,
        high=high,
        p=randomisation(a, b, labels, samples=samples, seed=seed),
        sign_p=sign_test(wins, losses),
        wins=wins,
        ties=ties,
        losses=losses,
        needed=queries_needed(a, b, labels, alpha=1 - level),
    )


def difference(
    first: ArrayLike,
    second: ArrayLike,
    clusters: Labels = None,
    *,
    aggregate: Aggregate = "mean",
    level: float = 0.95,
    samples: int = 10_000,
    seed: int = 0,
) -> tuple[float, float, float]:
    """Aggregate of the first less that of the second, and its interval by paired bootstrap (methods: `interval`)."""
    a, b, labels = _pair(first, second, clusters)
    if aggregate == "median":
        effect = float(_gap(np.median(a, keepdims=True), np.median(b, keepdims=True))[0])
        return effect, *_percentiles(np.concatenate(list(_medians([a, b], labels, samples, seed))), level)
    gap = _gap(a, b)
    if not np.isfinite(gap).all():
        return math.nan, math.nan, math.nan
    effect = math.fsum(gap.tolist()) / len(gap)
    if gap.min() == gap.max():
        return effect, effect, effect
    return effect, *_bca(gap, labels, level, samples, seed)


def randomisation(
    first: ArrayLike, second: ArrayLike, clusters: Labels = None, *, samples: int = 10_000, seed: int = 0
) -> float:
    """Two-sided p of the paired randomisation test: the two systems are swapped, cluster by cluster, at random.

    p = (b + 1) / (samples + 1), b = swaps whose mean difference is at least as large as the one observed (Smucker,
    Allan and Carterette, CIKM 2007; the + 1 after Phipson and Smyth, 2010). Ranks that are both infinite are equal;
    where only one is, the difference counts as the largest finite one, or 1.
    """
    a, b, labels = _pair(first, second, clusters)
    gap = _gap(a, b)
    finite = np.abs(gap[np.isfinite(gap)])
    gap = np.clip(gap, -1, 1) if not finite.any() else np.clip(gap, -finite.max(), finite.max())
    sums = _cluster_sums(gap, labels)[0]
    sizes = np.sort(np.abs(sums[sums != 0]))  # a swap changes signs only, and zero differences have none
    observed = abs(math.fsum(sums.tolist()))
    reached = observed * (1 - 1e-12)  # sums that are equal but for rounding count as equal
    total, generator, extreme = sizes.sum(), np.random.default_rng(seed), 0
    step = max(1, CHUNK // max(1, len(sizes)))
    for start in range(0, samples, step):
        swapped = generator.integers(0, 2, (min(step, samples - start), len(sizes)), np.int8)
        extreme += int((np.abs(total - 2 * (swapped @ sizes)) >= reached).sum())
    return (extreme + 1) / (samples + 1)


def sign_test(wins: int, losses: int) -> float:
    """Two-sided exact binomial p for `wins` against `losses` at equal chance; for hits this is McNemar's exact test."""
    n, few = wins + losses, min(wins, losses)
    term = total = 1
    for i in range(few):
        term = term * (n - i) // (i + 1)
        total += term
    return min(1.0, 2 * total / 2**n)


def win_tie_loss(first: ArrayLike, second: ArrayLike) -> tuple[int, int, int]:
    """Queries in which the first value is higher, the same, and lower."""
    a, b, _ = _pair(first, second, None)
    return int((a > b).sum()), int((a == b).sum()), int((a < b).sum())


def holm(p: Sequence[float]) -> list[float]:
    """P values adjusted for testing all of them: Holm's step-down (Scandinavian Journal of Statistics 6, 1979)."""
    adjusted, worst = [0.0] * len(p), 0.0
    for done, i in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        worst = max(worst, min(1.0, (len(p) - done) * p[i]))
        adjusted[i] = worst
    return adjusted


def rank_groups(differ: NDArray[np.bool_]) -> list[list[int]]:
    """Groups of systems that cannot be told apart.

    `differ` `(systems, systems)`, systems sorted best first: whether two differ significantly. A group is a longest
    run of neighbouring ranks no two of which differ; runs within a longer one are left out. Groups may overlap: in
    [0, 1] and [1, 2], 0 and 2 differ and 1 differs from neither.
    """
    symmetric = np.asarray(differ) | np.asarray(differ).T
    groups: list[list[int]] = []
    reached = 0
    for start in range(len(symmetric)):
        stop = start + 1
        while stop < len(symmetric) and not symmetric[stop, start:stop].any():
            stop += 1
        if stop > reached:
            groups.append(list(range(start, stop)))
            reached = stop
    return groups


def queries_needed(
    first: ArrayLike, second: ArrayLike, clusters: Labels = None, *, alpha: float = 0.05, power: float = 0.8
) -> int | None:
    """Queries needed to find a mean difference like this one, two-sided at `alpha`, with probability `power`.

    n = ((z(1 - alpha / 2) + z(power)) s / difference)**2, s the standard deviation of the differences (normal
    approximation; Sakai, Information Retrieval Journal 19, 2016, for the paired t-test), times the design effect of
    clusters. None where the means are the same or not finite.
    """
    a, b, labels = _pair(first, second, clusters)
    gap = _gap(a, b)
    mean = math.fsum(gap.tolist()) / len(gap) if np.isfinite(gap).all() else 0.0
    if mean == 0 or len(gap) < 2:
        return None
    quantiles = _normal.inv_cdf(1 - alpha / 2) + _normal.inv_cdf(power)
    variance = float(np.var(np.sort(gap), ddof=1))
    return max(2, math.ceil(quantiles**2 * variance / mean**2 * _design_effect(gap, labels)))


def _checked(values: ArrayLike, clusters: Labels) -> tuple[Vector, NDArray[np.int64]]:
    """The values, and clusters numbered from 0."""
    numbers = np.asarray(values, np.float64)
    if numbers.ndim != 1 or not len(numbers) or np.isnan(numbers).any():
        raise InputError("statistics need at least one value, in one dimension and without NaN")
    if clusters is None:
        return numbers, np.arange(len(numbers))
    if len(clusters) != len(numbers):
        raise InputError(f"{len(clusters)} cluster labels for {len(numbers)} values")
    return numbers, np.unique(clusters, return_inverse=True)[1].astype(np.int64)


def _pair(first: ArrayLike, second: ArrayLike, clusters: Labels) -> tuple[Vector, Vector, NDArray[np.int64]]:
    (a, labels), (b, _) = _checked(first, clusters), _checked(second, clusters)
    if len(a) != len(b):
        raise InputError(f"two systems to compare have {len(a)} and {len(b)} queries")
    return a, b, labels


def _gap(a: Vector, b: Vector) -> Vector:
    """a - b, where two infinite ranks are the same."""
    return np.subtract(a, b, out=np.zeros(len(a)), where=a != b)


def _cluster_sums(values: Vector, labels: NDArray[np.int64]) -> tuple[Vector, Vector]:
    """Sum and number of the values of each cluster, in an order that depends on nothing else."""
    order = np.lexsort((values, labels))
    sums = np.bincount(labels[order], values[order]).astype(np.float64)
    sizes: Vector = np.bincount(labels).astype(np.float64)
    order = np.lexsort((sizes, sums))
    return sums[order], sizes[order]


def _design_effect(values: Vector, labels: NDArray[np.int64]) -> float:
    """Variance of the mean with clusters over that without, at least 1; the mean cluster size if nothing varies."""
    sums, sizes = _cluster_sums(values, labels)
    count, mean = len(values), math.fsum(values.tolist()) / len(values)
    alone = math.fsum(((np.sort(values) - mean) ** 2).tolist())
    together = math.fsum(((sums - mean * sizes) ** 2).tolist())
    return count / len(sums) if alone == 0 else max(1.0, together / alone)


def _wilson(values: Vector, labels: NDArray[np.int64], level: float) -> tuple[float, float]:
    p = math.fsum(values.tolist()) / len(values)
    n = len(values) / _design_effect(values, labels)
    z = _normal.inv_cdf((1 + level) / 2)
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    reach = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low, high = max(0.0, middle - reach), min(1.0, middle + reach)
    return (0.0 if p == 0 else min(low, p)), (1.0 if p == 1 else max(high, p))


def _bca(values: Vector, labels: NDArray[np.int64], level: float, samples: int, seed: int) -> tuple[float, float]:
    """Efron and Tibshirani, An Introduction to the Bootstrap, 1993, eq. (14.9)-(14.15), over clusters."""
    sums, sizes = _cluster_sums(values, labels)
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


def _percentiles(replicates: Vector, level: float) -> tuple[float, float]:
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


def _medians(columns: list[Vector], labels: NDArray[np.int64], samples: int, seed: int) -> Iterator[Vector]:
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
        yield medians[0] if len(medians) == 1 else _gap(medians[0], medians[1])


def _canonical(columns: list[Vector], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Clusters numbered anew by the values they hold, so that the numbers depend on nothing else."""
    order = np.lexsort((*columns[::-1], labels))
    cuts = np.flatnonzero(np.diff(labels[order])) + 1
    held = [tuple(map(tuple, part)) for part in np.split(np.stack(columns, axis=1)[order], cuts)]
    number = np.empty(len(held), np.int64)
    number[sorted(range(len(held)), key=held.__getitem__)] = np.arange(len(held))
    return number[labels]
