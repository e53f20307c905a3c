from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mmret.errors import InputError
from mmret.evaluation import bootstrap, statistics
from mmret.evaluation.statistics import (
    compare,
    difference,
    holm,
    interval,
    queries_needed,
    randomisation,
    rank_groups,
    sign_test,
    win_tie_loss,
)


def test_hits_get_wilsons_interval() -> None:
    for hits, n in ((0, 10), (10, 10), (3, 10), (417, 1000)):
        values = np.arange(n) < hits
        expected = stats.binomtest(hits, n).proportion_ci(method="wilson")
        assert interval(values) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize("value", [0.0, 1.0, 0.3])
def test_equal_values_do_not_collapse(value: float) -> None:
    low, high = interval([value] * 25)
    assert high - low > 0.05
    assert low <= value <= high
    wider = interval([value] * 25, np.repeat(np.arange(5), 5))
    assert wider[1] - wider[0] > high - low
    assert interval([value])[0] <= value


def test_clusters_widen_the_interval() -> None:
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(40), 10)
    for kind in ("hits", "values"):
        own = random.random(40)[labels]
        values = (own > 0.5).astype(float) if kind == "hits" else own
        alone, together = interval(values), interval(values, labels)
        assert 2.5 < (together[1] - together[0]) / (alone[1] - alone[0]) < 3.7  # about the root of 10
        assert together[0] < values.mean() < together[1]


def test_single_queries_as_clusters_change_nothing() -> None:
    values = np.random.default_rng(0).random(50)
    assert interval(values) == interval(values, np.arange(50)[::-1])
    assert interval(values, aggregate="median") == interval(values, 7 * np.arange(50), aggregate="median")


def test_the_bootstrap_agrees_with_scipy() -> None:
    values = np.random.default_rng(1).random(300) ** 3
    theirs = stats.bootstrap((values,), np.mean, n_resamples=20_000, rng=np.random.default_rng(0)).confidence_interval
    assert interval(values, samples=20_000) == pytest.approx(theirs, abs=0.002)


def test_intervals_cover() -> None:
    random = np.random.default_rng(2)
    covered = {"hits": 0, "mean": 0, "median": 0}
    for _ in range(300):
        low, high = interval(random.random(60) < 0.95)
        covered["hits"] += low <= 0.95 <= high
        values = random.random(60) ** 2
        low, high = interval(values)
        covered["mean"] += low <= 1 / 3 <= high
        low, high = interval(values, aggregate="median")
        covered["median"] += low <= 0.25 <= high
    assert all(0.90 < share / 300 <= 0.99 for share in covered.values()), covered


@pytest.mark.parametrize("aggregate", ["mean", "median"])
def test_results_depend_on_the_seed_alone(aggregate: statistics.Aggregate, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(3)
    a, b, labels = random.random(90), random.random(90), random.integers(0, 30, 90)
    order = random.permutation(90)
    renamed = random.permutation(1000)[labels]
    first = compare(a, b, labels, aggregate=aggregate, samples=500)
    assert compare(a[order], b[order], renamed[order], aggregate=aggregate, samples=500) == first
    assert interval(a, labels, aggregate=aggregate) == interval(a[order], renamed[order], aggregate=aggregate)
    assert interval(a, labels, aggregate=aggregate) != interval(a, labels, aggregate=aggregate, seed=1)
    turned = compare(b, a, labels, aggregate=aggregate, samples=500)
    assert (turned.effect, turned.p, turned.sign_p, turned.needed) == (
        *(-first.effect, first.p),
        *(first.sign_p, first.needed),
    )
    assert (turned.wins, turned.losses) == (first.losses, first.wins)
    monkeypatch.setattr(statistics, "CHUNK", 1)
    monkeypatch.setattr(bootstrap, "CHUNK", 1)
    again = compare(a, b, labels, aggregate=aggregate, samples=500)
    assert again.effect == first.effect


def test_ranks_that_are_infinite() -> None:
    ranks = np.array([1.0, 2, 3, np.inf, np.inf])
    low, high = interval(ranks, aggregate="median")
    assert low == 1
    assert high == math.inf
    assert all(math.isnan(end) for end in interval(ranks))
    assert compare(ranks, ranks, aggregate="median").effect == 0
    assert 0 < randomisation(ranks, ranks[::-1]) <= 1
    assert all(math.isnan(one) for one in difference(ranks, ranks[::-1]))
    assert queries_needed(ranks, ranks[::-1]) is None


def test_randomisation_approaches_the_exact_p() -> None:
    random = np.random.default_rng(4)
    for _ in range(5):
        a, b = random.random(9), random.random(9) + 0.2
        gap = a - b
        sums = [abs(np.dot(signs, gap)) for signs in itertools.product([-1, 1], repeat=9)]
        exact = np.mean(np.array(sums) >= abs(gap.sum()) - 1e-12)
        assert randomisation(a, b, samples=40_000) == pytest.approx(exact, abs=0.01)


def test_randomisation_counts_equal_differences_as_reached() -> None:
    """Of 1,024 swaps of ten equal differences two are as extreme; sums that round differently must not be lost."""
    assert randomisation([0.1] * 10, [0.0] * 10, samples=100_000) == pytest.approx(2 / 1024, rel=0.2)
    assert randomisation([0.3, 0.1], [0.3, 0.1]) == 1


def test_randomisation_swaps_clusters_as_one() -> None:
    gap = np.full(40, 0.1)
    assert randomisation(gap, 0 * gap) < 0.001
    assert randomisation(gap, 0 * gap, np.repeat([0, 1], 20)) == pytest.approx(0.5, abs=0.02)


def test_no_difference_is_found_too_often() -> None:
    random = np.random.default_rng(5)
    p = [randomisation(*random.random((2, 30)), samples=300) for _ in range(400)]
    assert 0.02 < np.mean(np.array(p) <= 0.05) < 0.08


@given(st.integers(0, 300), st.integers(0, 300))
def test_sign_test_is_mcnemars(wins: int, losses: int) -> None:
    expected = stats.binomtest(wins, wins + losses).pvalue if wins + losses else 1.0
    assert sign_test(wins, losses) == pytest.approx(expected, rel=1e-9)


def test_win_tie_loss() -> None:
    assert win_tie_loss([1, 0, 1, 0.5], [0, 0, 1, 1]) == (1, 2, 1)


def test_paired_differences() -> None:
    random = np.random.default_rng(6)
    a = random.random(400)
    b = a - 0.05 + random.normal(0, 0.1, 400)
    effect, low, high = difference(a, b)
    assert effect == pytest.approx((a - b).mean())
    theirs = stats.ttest_1samp(a - b, 0).confidence_interval()
    assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=0.002)
    assert difference(a, a) == (0, 0, 0)
    effect, low, high = difference(a, b, aggregate="median")
    assert effect == pytest.approx(np.median(a) - np.median(b))
    assert low <= effect <= high


def test_holm() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_rank_groups() -> None:
    def groups(systems: int, *pairs: tuple[int, int]) -> list[list[int]]:
        differ = np.zeros((systems, systems), bool)
        for pair in pairs:
            differ[pair] = True
        return rank_groups(differ)

    assert groups(0) == []
    assert groups(3) == [[0, 1, 2]]
    assert groups(3, (0, 2)) == [[0, 1], [1, 2]]
    assert groups(3, (1, 0), (0, 2), (1, 2)) == [[0], [1], [2]]
    assert groups(4, (0, 3), (0, 2), (1, 3)) == [[0, 1], [1, 2], [2, 3]]
    assert groups(4, (0, 1), (0, 2), (0, 3)) == [[0], [1, 2, 3]]


def test_queries_needed_reach_their_power() -> None:
    random = np.random.default_rng(7)
    a, b = random.normal(0.1, 1, 5000), np.zeros(5000)
    n = queries_needed(a, b)
    assert n == pytest.approx((1.96 + 0.8416) ** 2 * a.var() / a.mean() ** 2, rel=0.01)
    found = [stats.ttest_1samp(random.choice(a, n), 0).pvalue < 0.05 for _ in range(400)]
    assert 0.72 < np.mean(found) < 0.88
    assert queries_needed(a, a) is None
    assert queries_needed(np.repeat(a, 2), np.repeat(b, 2), np.repeat(np.arange(5000), 2)) == pytest.approx(
        2 * n, rel=0.01
    )


@pytest.mark.parametrize("values", [[], [math.nan], [[1.0]]])
def test_bad_values(values: list[float]) -> None:
    with pytest.raises(InputError, match="statistics need"):
        interval(values)


def test_bad_pairs() -> None:
    with pytest.raises(InputError, match="2 and 3 queries"):
        compare([1, 0], [1, 0, 1])
    with pytest.raises(InputError, match="1 cluster labels for 2 values"):
        interval([1, 0], np.array([1]))


def test_ranks_that_are_all_one_are_no_hits() -> None:
    assert interval(np.ones(25), shares=False) == (1, 1)


def test_randomisation_loses_no_equal_sum_among_many() -> None:
    """No swap of an odd number of equal differences comes nearer to 0 than the one observed."""
    gap = np.where(np.arange(20_001) % 2 == 0, 0.1, -0.1)
    assert randomisation(gap, 0 * gap, samples=100) == 1
