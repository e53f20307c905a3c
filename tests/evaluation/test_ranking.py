from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mmret.errors import InputError
from mmret.evaluation.ranking import adjusted_p, paired_p, ranks
from mmret.evaluation.statistics import holm, randomisation


def systems(random: np.random.Generator, count: int, queries: int) -> np.ndarray:
    """Hits of systems of rising quality on queries of unlike difficulty."""
    shared = random.standard_normal(queries)
    return (random.normal(np.linspace(0, 0.8, count)[:, None], 1, (count, queries)) + shared > 0.3).astype(float)


@pytest.mark.parametrize("clustered", [False, True])
@pytest.mark.parametrize("kind", ["hits", "values"])
def test_it_is_the_randomisation_test_of_each_pair(kind: str, clustered: bool) -> None:
    random = np.random.default_rng(3)
    values = systems(random, 5, 400)
    if kind == "values":
        values = values * random.random(values.shape)
    clusters = random.integers(0, 150, 400) if clustered else None
    p = paired_p(values, clusters)
    for i, j in itertools.combinations(range(5), 2):
        exact = randomisation(values[i], values[j], clusters, samples=40_000)
        assert p[i, j] == p[j, i] == pytest.approx(exact, rel=0.15, abs=0.01), (i, j)


def test_single_queries_of_even_differences_give_the_paired_t_test() -> None:
    random = np.random.default_rng(0)
    values = random.standard_normal((2, 2000))
    values[1] += 0.08
    assert paired_p(values)[0, 1] == pytest.approx(stats.ttest_rel(*values).pvalue, rel=0.05)


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=11))
def test_it_is_never_far_below_the_exact_p(gaps: list[int]) -> None:
    gap = np.array(gaps, float)
    swaps = np.array(list(itertools.product((-1, 1), repeat=len(gap)))) @ gap
    exact = float((np.abs(swaps) >= abs(gap.sum()) - 1e-9).mean())
    assert exact <= 3.18 * paired_p(np.stack([gap, np.zeros_like(gap)]))[0, 1] + 1e-12


def test_under_no_difference_p_is_uniform() -> None:
    random = np.random.default_rng(5)
    clusters = np.repeat(np.arange(120), 3)
    values = random.standard_normal((300, 2, 120))[:, :, clusters] + random.standard_normal((300, 2, 360))
    found = [paired_p(pair, clusters)[0, 1] for pair in values]
    assert stats.kstest(found, "uniform").pvalue > 0.01
    assert np.mean([paired_p(pair)[0, 1] < 0.05 for pair in values]) > 0.1  # clusters taken for single queries


def test_clusters_and_their_order_do_not_matter() -> None:
    random = np.random.default_rng(1)
    values, clusters = random.random((4, 60)), random.integers(0, 20, 60)
    order = random.permutation(60)
    assert paired_p(values, clusters) == pytest.approx(paired_p(values[:, order], 9 - clusters[order]), abs=1e-12)
    assert paired_p(values, np.arange(60)) == pytest.approx(paired_p(values), abs=1e-12)


def test_equal_systems_constants_and_one_cluster() -> None:
    same = np.random.default_rng(2).random(40)
    p = paired_p([same, same, np.zeros(40), np.ones(40)])
    assert p[0, 1] == 1
    assert p[2, 3] < 1e-8  # every query differs alike, which leaves a t-test no variance
    assert (paired_p([same, np.zeros(40)], np.zeros(40, int)) == 1).all()
    assert paired_p(np.ones((1, 5))).tolist() == [[1]]
    assert paired_p(np.ones((2, 0))).tolist() == [[1, 1], [1, 1]]


def test_few_queries_prove_nothing() -> None:
    for count in range(1, 6):
        assert paired_p([np.ones(count), np.zeros(count)])[0, 1] == pytest.approx(2.0 ** (1 - count), abs=0.015)


def test_infinite_ranks_and_queries_without_value() -> None:
    nan, inf = np.nan, np.inf
    p = paired_p([[1, inf, nan, 3.0] * 10, [1, inf, nan, inf] * 10, [2, 1, nan, 4] * 10])
    assert p == pytest.approx(paired_p([[1, 5, 3.0] * 10, [1, 5, 5] * 10, [2, 1, 4] * 10]))
    assert (paired_p([[inf, 1.0], [inf, 1.0]]) == 1).all()
    with pytest.raises(InputError, match="different queries"):
        paired_p([[nan, 1.0], [1.0, 1.0]])


@pytest.mark.parametrize(("values", "clusters"), [([1.0, 2.0], None), ([[1.0, 2.0]], [0])])
def test_what_does_not_fit_is_refused(values: list[object], clusters: list[int] | None) -> None:
    with pytest.raises(InputError, match="a row of values for each system"):
        paired_p(values, None if clusters is None else np.array(clusters))


def test_all_pairs_are_adjusted_together() -> None:
    p = paired_p(systems(np.random.default_rng(4), 4, 200))
    upper = np.triu_indices(4, 1)
    adjusted = adjusted_p(p)
    assert adjusted[upper].tolist() == holm(p[upper].tolist())
    assert (adjusted == adjusted.T).all()
    assert (np.diag(adjusted) == 1).all()


def test_who_cannot_be_told_apart_shares_a_rank() -> None:
    adjusted = np.ones((4, 4))
    adjusted[[0, 0, 1], [2, 3, 3]] = adjusted[[2, 3, 3], [0, 0, 1]] = 0.01
    assert ranks([0.9, 0.8, 0.7, 0.6], adjusted).tolist() == [1, 1, 2, 3]
    assert ranks([1, 2, 3, 4], adjusted, higher_is_better=False).tolist() == [1, 1, 2, 3]
    assert ranks([0.5], np.ones((1, 1))).tolist() == [1]
    assert ranks([0.5, 0.5], np.zeros((2, 2))).tolist() == [1, 1]  # no figure is the better one
