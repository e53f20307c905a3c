"""Agreement against published worked examples and a second implementation by the definition."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from mmret.errors import InputError
from mmret.pipelines.annotate.verify.agreement import cohen_kappa, krippendorff_alpha

_ = None
# Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011: examples A, B and C.
BINARY = [[0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]]
NOMINAL = [list("aabbdcccedda"), list("babbbccceddd")]
FOUR = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
    [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
]


def test_alpha_of_published_examples():
    assert krippendorff_alpha(BINARY).value == pytest.approx(0.095, abs=5e-4)
    assert krippendorff_alpha(NOMINAL).value == pytest.approx(0.692, abs=5e-4)
    assert krippendorff_alpha(FOUR).value == pytest.approx(0.743, abs=5e-4)
    assert krippendorff_alpha(FOUR).items == 11  # the twelfth has one label


def test_kappa_of_cohens_own_example():
    """Cohen 1960, table 1: proportions of 200 items; kappa .492."""
    shares = [[88, 10, 2], [14, 40, 6], [18, 10, 12]]
    pairs = [(i, j) for i in range(3) for j in range(3) for _ in range(shares[i][j])]
    found = cohen_kappa(*zip(*pairs, strict=True))
    assert found.value == pytest.approx(0.492, abs=5e-4)
    assert found.raw == pytest.approx(0.70)
    assert found.low < found.value < found.high


def by_definition(ratings):
    """1 - observed / expected disagreement, pair by pair."""
    units = [[own[i] for own in ratings if own[i] is not None] for i in range(len(ratings[0]))]
    units = [unit for unit in units if len(unit) > 1]
    labels = [label for unit in units for label in unit]
    observed = sum(sum(a != b for a, b in permutations(unit, 2)) / (len(unit) - 1) for unit in units) / len(labels)
    expected = sum(a != b for a, b in permutations(labels, 2)) / (len(labels) * (len(labels) - 1))
    return 1 - observed / expected


@pytest.mark.parametrize("seed", range(20))
def test_second_implementations(seed):
    generator = np.random.default_rng(seed)
    judges, items, labels = (int(generator.integers(*span)) for span in ((2, 6), (4, 40), (2, 5)))
    codes = generator.integers(0, labels, (judges, items))
    agreeing = np.where(generator.random((judges, items)) < 0.5, codes[:1], codes).tolist()
    gaps = np.where(generator.random((judges, items)) < 0.2, None, np.array(agreeing, object)).tolist()
    found = krippendorff_alpha(gaps, samples=50)
    assert found.value == pytest.approx(by_definition(gaps), abs=1e-12)
    kappa = cohen_kappa(agreeing[0], agreeing[1], samples=50).value
    assert kappa == pytest.approx(cohen_kappa_score(agreeing[0], agreeing[1]), abs=1e-12, nan_ok=True)


def test_interval_covers_the_truth_as_often_as_it_says():
    """Two judges who each err at random: kappa of the population is known; 95 % intervals hold it in about 95 %."""
    generator = np.random.default_rng(5)
    covered, rounds, error = 0, 200, 0.1
    truth = 2 * (1 - error) ** 2 + 2 * error**2 - 1  # balanced labels: chance agrees in a half
    for draw in range(rounds):
        right = generator.integers(0, 2, 150)
        first, second = (right ^ (generator.random(150) < error) for _ in range(2))
        found = cohen_kappa(first.tolist(), second.tolist(), samples=400, seed=draw)
        covered += found.low <= truth <= found.high
    assert 0.89 <= covered / rounds <= 0.99


def test_clusters_widen_and_order_matters_not():
    generator = np.random.default_rng(1)
    truth = np.repeat(generator.integers(0, 2, 30), 8)
    other = np.repeat(np.where(generator.random(30) < 0.2, 1 - truth[::8], truth[::8]), 8)
    clusters = np.repeat(np.arange(30), 8)
    alone = krippendorff_alpha([truth.tolist(), other.tolist()])
    together = krippendorff_alpha([truth.tolist(), other.tolist()], clusters.tolist())
    assert together.value == alone.value
    assert together.high - together.low > 1.5 * (alone.high - alone.low)


def test_what_cannot_be_known_is_nan():
    same = krippendorff_alpha([["yes"] * 5, ["yes"] * 5])
    assert math.isnan(same.value)
    assert same.raw == 1
    nobody_twice = krippendorff_alpha([[1, None], [None, 1]])
    assert math.isnan(nobody_twice.value)
    assert nobody_twice.items == 0
    with pytest.raises(InputError):
        cohen_kappa([1, 0], [1])
