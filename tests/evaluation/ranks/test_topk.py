from __future__ import annotations

import numpy as np
import pytest

from mmret.benchmarks.ragged import Ragged
from mmret.errors import InputError
from mmret.evaluation.ranks import count, gallery_scores, top_k

from .slow import awkward, cases, single, true_scores


@pytest.mark.parametrize("seed", range(5))
def test_the_best_are_the_best_in_truth(seed: int) -> None:
    for random, queries, documents, gallery, _ in cases(90, 100 + seed):
        k = int(random.integers(1, 12))
        budget = int(random.choice([1, 10**8]))
        device = str(random.choice(["cpu", "numpy", "torch"]))
        positions, scores = top_k(queries, documents, k, gallery=gallery, max_bytes=budget, device=device)
        for i, own in enumerate(true_scores(queries, documents, gallery)):
            order = sorted(own, key=lambda c: (-own[c], c))[:k]
            assert positions[i].tolist() == order + [-1] * (k - len(order))
            assert scores[i].tolist() == [single(own[c]) for c in order] + [-np.inf] * (k - len(order))


@pytest.mark.parametrize("seed", range(5))
def test_scores_of_galleries_are_correctly_rounded(seed: int) -> None:
    for random, queries, documents, gallery, _ in cases(90, 200 + seed):
        budget = int(random.choice([1, 10**8]))
        got = gallery_scores(queries, documents, gallery, max_bytes=budget)
        expected = [single(one) for row in true_scores(queries, documents, gallery) for one in row.values()]
        np.testing.assert_array_equal(got, expected)
        assert not np.signbit(got[got == 0]).any()


@pytest.mark.parametrize("kind", range(10))
def test_blocks_and_devices_change_nothing(kind: int, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(kind)
    queries, documents = awkward(random, kind, 60, 400, 40)
    expected = top_k(queries, documents, 7)
    for chunk, budget, device in ((100, 20_000, "numpy"), (1 << 18, 1, "torch"), (1 << 18, 10**8, "torch")):
        monkeypatch.setattr("mmret.evaluation.ranks.candidates.CHUNK", chunk)
        got = top_k(queries, documents, 7, max_bytes=budget, device=device)
        for one, other in zip(got, expected, strict=True):
            np.testing.assert_array_equal(one, other)


def test_the_best_agree_with_the_ranks() -> None:
    random = np.random.default_rng(3)
    queries, documents = random.standard_normal((50, 64), np.float32), random.standard_normal((2000, 64), np.float32)
    positions, _ = top_k(queries, documents, 10)
    greater, tied = count(queries, documents, Ragged.of(list(positions)))
    assert greater.tolist() == list(range(10)) * 50
    assert set(tied.tolist()) == {1}


def test_copies_do_not_slow_the_search() -> None:
    positions, scores = top_k(np.ones((150, 8), np.float32), np.ones((9000, 8), np.float32), 5)
    assert (positions == np.arange(5)).all()
    assert (scores == 8).all()


def test_refusal() -> None:
    vectors = np.ones((3, 2), np.float32)
    with pytest.raises(InputError, match="k must be at least 1"):
        top_k(vectors, vectors, 0)
