"""Many systems at once: all paired tests of a table, and the ranks that follow from them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from .statistics import Labels, holm

ALPHA = 0.05
Matrix = NDArray[np.float64]


def paired_p(values: ArrayLike, clusters: Labels = None) -> Matrix:
    """Two-sided p of the paired randomisation test in its normal limit, for every pair of systems.

    Parameters
    ----------
    values: float `(systems, queries)`, one measure. Infinite ranks count as one more than the largest finite rank;
        queries without a value (NaN), which must be the same for all systems, are left out.
    clusters: int `(queries,)`, equal for queries that belong together; None = each query for itself.

    Returns float64 `(systems, systems)`, symmetric, 1 on the diagonal. Raises `InputError` for values that do not fit.

    When the two systems are swapped at random, cluster by cluster, the sum of the differences d of the clusters has
    the mean 0 and the variance sum d**2; so z = (|sum d| - step) / sqrt(sum d**2), step = the least distance of two
    values in the table, 1 for hits (Yates's correction for sums that move in steps; for hits z**2 is McNemar's).
    However few the clusters, the exact p of `statistics.randomisation` is at most 3.18 times what the normal limit
    says (Pinelis, Annals of Statistics 22, 1994; the constant: Bentkus and Dzindzalieta, Bernoulli 21, 2015), while a
    t-test has no bound where nearly all clusters differ alike. Nor is p below 2**(1 - m), m = clusters that differ:
    the least that swapping can give.
    """
    from scipy.special import ndtr  # reading it takes longer than all else here

    sums = _by_cluster(*_checked(values, clusters))
    step = np.diff(np.unique(sums)).min(initial=np.inf)
    totals = sums.sum(axis=1)
    p = np.ones((len(sums), len(sums)))
    for i in range(len(sums) - 1):
        gaps = sums[i + 1 :] - sums[i]
        spread = np.sqrt(np.einsum("ij,ij->i", gaps, gaps))
        above = np.maximum(np.abs(totals[i + 1 :] - totals[i]) - step, 0)
        z = np.divide(above, spread, out=np.zeros(len(gaps)), where=spread > 0)
        least = np.exp2(1.0 - np.maximum(np.count_nonzero(gaps, axis=1), 1))
        p[i, i + 1 :] = p[i + 1 :, i] = np.maximum(2 * ndtr(-z), least)
    return p


def adjusted_p(p: Matrix) -> Matrix:
    """`p` `(systems, systems)`, symmetric, adjusted for testing all pairs (Holm); the diagonal stays 1."""
    upper = np.triu_indices(len(p), 1)
    adjusted = np.ones_like(p)
    adjusted[upper] = holm(p[upper].tolist())
    return np.minimum(adjusted, adjusted.T)


def ranks(figures: ArrayLike, adjusted: Matrix, *, higher_is_better: bool = True) -> NDArray[np.int64]:
    """Rank of each system: 1 + the number of systems that are better and differ from it at 5 %.

    Parameters
    ----------
    figures: float `(systems,)`, the measure of each system; says which of two is the better one.
    adjusted: as from `adjusted_p`.

    Systems that cannot be told apart from the best share rank 1. Telling apart is not transitive, so a system whose
    figure is uncertain may have a better rank than one with a better figure.
    """
    order = np.asarray(figures, np.float64) * (1 if higher_is_better else -1)
    return 1 + ((order[None, :] > order[:, None]) & (adjusted < ALPHA)).sum(axis=1)


def _checked(values: ArrayLike, clusters: Labels) -> tuple[Matrix, NDArray[np.int64]]:
    table = np.asarray(values, np.float64)
    if table.ndim != 2 or (clusters is not None and len(clusters) != table.shape[1]):
        raise InputError("paired tests need a row of values for each system and one cluster for each query")
    missing = np.isnan(table)
    if (missing.any(axis=0) != missing.all(axis=0)).any():
        raise InputError("systems to compare have values for different queries")
    labels = np.arange(table.shape[1]) if clusters is None else np.unique(clusters, return_inverse=True)[1]
    if missing.any():
        table, labels = table[:, ~missing.all(axis=0)], labels[~missing.all(axis=0)]
    if not np.isfinite(table).all():
        table = np.minimum(table, np.max(table, where=np.isfinite(table), initial=0) + 1)
    return table, labels.astype(np.int64)


def _by_cluster(table: Matrix, labels: NDArray[np.int64]) -> Matrix:
    """Sums of the values of each cluster, float64 `(systems, clusters)`."""
    if not table.shape[1]:
        return table
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order], prepend=-1))
    return table if len(starts) == table.shape[1] else np.add.reduceat(table[:, order], starts, axis=1)
