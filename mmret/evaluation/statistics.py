"""How sure: intervals for a figure, tests for a difference, and which systems cannot be told apart.

Queries are the sampling unit, or clusters of queries (made from one video or page, say), which stand or fall together.
Everything random is drawn from a seed and put in an order of its own first, so no result depends on the order of
queries. Nor does a p depend on which system is named first; the interval of a difference may, by other samples.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from .bootstrap import CHUNK, Vector, bca, cluster_sums, gap_of, medians, percentiles

Labels = NDArray[np.integer] | None
Aggregate = Literal["mean", "median"]
_normal = NormalDist()


def figure(values: ArrayLike, aggregate: Aggregate) -> float:
    """One figure for many queries: their median or mean, NaN for none. The sum is exact, so no order can matter."""
    numbers = np.asarray(values, np.float64)
    if not len(numbers):
        return math.nan
    return float(np.median(numbers)) if aggregate == "median" else math.fsum(numbers.tolist()) / len(numbers)


def interval(
    values: ArrayLike,
    clusters: Labels = None,
    *,
    aggregate: Aggregate = "mean",
    shares: bool = True,
    level: float = 0.95,
    samples: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """Confidence interval of the mean or median over queries.

    Parameters
    ----------
    values: float `(queries,)`, one measure for each query.
    clusters: int `(queries,)`, equal for queries that belong together; None = each query for itself.
    shares: whether the values are shares of 1; ranks are not, though all may be 1.
    level: probability that the interval is to cover.

    Hits (shares that are all 0 or 1) and shares that are all the same within 0 … 1: Wilson's score interval (JASA 22,
    1927), which keeps its level near 0 and 1 (Brown, Cai and DasGupta, Statistical Science 16(2), 2001) and is not
    empty at 0 and 1, where every bootstrap sample repeats the figure. Clusters count through the design effect (Kish,
    Survey Sampling, 1965). Other means: BCa bootstrap over clusters (Efron, JASA 82, 1987), because values of
    rank measures are skewed. Medians: percentile bootstrap, as BCa's acceleration does not exist for them.

    A mean that is infinite has no interval (NaN). Raises `InputError` for NaN, and where there are no values.
    """
    numbers, labels = _checked(values, clusters)
    if aggregate == "median":
        return percentiles(np.concatenate(list(medians([numbers], labels, samples, seed))), level)
    if np.isinf(numbers).any():
        return math.nan, math.nan
    same = numbers.min() == numbers.max() and 0 <= numbers.min() <= 1
    if shares and (same or np.isin(numbers, (0.0, 1.0)).all()):
        return _wilson(numbers, labels, level)
    return bca(numbers, labels, level, samples, seed)


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
        effect = float(gap_of(np.median(a, keepdims=True), np.median(b, keepdims=True))[0])
        return effect, *percentiles(np.concatenate(list(medians([a, b], labels, samples, seed))), level)
    gap = gap_of(a, b)
    if not np.isfinite(gap).all():
        return math.nan, math.nan, math.nan
    effect = math.fsum(gap.tolist()) / len(gap)
    if gap.min() == gap.max():
        return effect, effect, effect
    return effect, *bca(gap, labels, level, samples, seed)


def randomisation(
    first: ArrayLike, second: ArrayLike, clusters: Labels = None, *, samples: int = 10_000, seed: int = 0
) -> float:
    """Two-sided p of the paired randomisation test: the two systems are swapped, cluster by cluster, at random.

    p = (b + 1) / (samples + 1), b = swaps whose mean difference is at least as large as the one observed (Smucker,
    Allan and Carterette, CIKM 2007; the + 1 after Phipson and Smyth, 2010). Ranks that are both infinite are equal;
    where only one is, the difference counts as the largest finite one, or 1.
    """
    a, b, labels = _pair(first, second, clusters)
    gap = gap_of(a, b)
    finite = np.abs(gap[np.isfinite(gap)])
    gap = np.clip(gap, -1, 1) if not finite.any() else np.clip(gap, -finite.max(), finite.max())
    sums = cluster_sums(gap, labels)[0]
    sizes = np.sort(np.abs(sums[sums != 0]))  # a swap changes signs only, and zero differences have none
    observed = abs(math.fsum(sums.tolist()))
    total, generator, extreme = sizes.sum(), np.random.default_rng(seed), 0
    reached = observed - 4 * len(sizes) * 2.0**-53 * total  # sums that are equal but for rounding count as equal
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
    gap = gap_of(a, b)
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


def _design_effect(values: Vector, labels: NDArray[np.int64]) -> float:
    """Variance of the mean with clusters over that without, at least 1; the mean cluster size if nothing varies."""
    sums, sizes = cluster_sums(values, labels)
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
