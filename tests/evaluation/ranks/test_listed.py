from __future__ import annotations

import re

import numpy as np
import pytest

from mmret.benchmarks.ragged import Ragged
from mmret.errors import InputError
from mmret.evaluation.ranks import count_scores, listed


def slow(run: Ragged, scores: np.ndarray, positives: Ragged) -> tuple[list[int], list[int]]:
    greater, tied = [], []
    for i, wanted in enumerate(positives):
        own = dict(zip(run[i].tolist(), scores[run.offsets[i] : run.offsets[i + 1]].tolist(), strict=True))
        for document in wanted.tolist():
            there = document in own
            greater.append(sum(one > own[document] for one in own.values()) if there else -1)
            tied.append(sum(one == own[document] for one in own.values()) if there else 0)
    return greater, tied


@pytest.mark.parametrize("seed", range(10))
def test_counts_equal_a_plain_loop(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(seed)
    for _ in range(60):
        monkeypatch.setattr(listed, "BLOCK", int(random.choice([1, 50, 10**6])))
        n, documents = int(random.integers(1, 9)), int(random.integers(1, 40))
        same_size = random.random() < 0.3
        sizes = np.full(n, documents) if same_size else random.integers(0, documents + 1, n)
        run = Ragged.of([random.choice(documents, size, replace=False) for size in sizes])
        most = int(random.choice([1, 3, documents]))
        positives = Ragged.of(
            [random.choice(documents, random.integers(0, min(most, documents) + 1), replace=False) for _ in range(n)]
        )
        scores = random.integers(-3, 4, len(run.positions)).astype(random.choice(["float32", "float64", "int64"]))
        gains = random.integers(1, 4, len(positives.positions))
        counts = count_scores(run, scores, positives, gains, checked=bool(random.random() < 0.5))
        assert (counts.greater.tolist(), counts.tied.tolist()) == slow(run, scores, positives)
        assert counts.query.tolist() == positives.rows.tolist()
        assert counts.gain.tolist() == gains.tolist()
        assert counts.candidates.tolist() == sizes.tolist()


def test_scores_are_compared_as_given() -> None:
    """float64 scores that are one float32 stay apart; both zeros are equal."""
    run, positives = Ragged.of([[0, 1], [0, 1]]), Ragged.of([[0], [0]])
    counts = count_scores(run, np.array([1.0, 1.0 + 1e-12, 0.0, -0.0]), positives, np.ones(2))
    assert (counts.greater.tolist(), counts.tied.tolist()) == ([1, 0], [1, 2])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_refused_wherever_they_are(value: float) -> None:
    random = np.random.default_rng(0)
    for _ in range(30):
        run = Ragged.of([random.choice(50, random.integers(1, 50), replace=False) for _ in range(20)])
        scores = random.random(len(run.positions))
        bad = np.unique(random.integers(0, len(scores), random.integers(1, 30)))
        scores[bad] = value
        names = ", ".join(f"query q{run.rows[i]} document d{run.positions[i]}" for i in bad[:10])
        with pytest.raises(InputError, match=re.escape(f"in {len(bad)} places: {names}") + "$"):
            count_scores(
                run,
                scores,
                Ragged.of([[0]] * 20),
                np.ones(20),
                query_ids=[f"q{i}" for i in range(20)],
                document_ids=[f"d{i}" for i in range(50)],
            )


def test_a_document_twice_is_refused() -> None:
    run = Ragged.of([[0, 1], [2, 0, 2], [1, 1]])
    with pytest.raises(InputError, match="in 2 places: query 1 document 2, query 2 document 1"):
        count_scores(run, np.zeros(7), Ragged.of([[0]] * 3), np.ones(3))


@pytest.mark.parametrize("gain", [0.0, -1.0, np.nan])
def test_gains_must_be_positive(gain: float) -> None:
    with pytest.raises(InputError, match="gains"):
        count_scores(Ragged.of([[0]]), np.zeros(1), Ragged.of([[0]]), np.array([gain]))


def test_lengths_must_fit() -> None:
    with pytest.raises(InputError, match="lengths"):
        count_scores(Ragged.of([[0]]), np.zeros(2), Ragged.of([[0]]), np.ones(1))
