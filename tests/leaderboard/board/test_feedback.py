from __future__ import annotations

import math

import pytest

from mmret.leaderboard.board.database import Benchmark, Score
from mmret.leaderboard.board.feedback import LEAST, told


def score(slice: str = "all", measure: str = "R@1", n: int = 500, value: float = 0.123456) -> Score:
    return Score(
        submission_id="s",
        protocol="global",
        slice=slice,
        measure=measure,
        value=value,
        optimistic=value + 0.01,
        pessimistic=value - 0.01,
        low=value - 0.02,
        high=value + 0.02,
        random=0.0123,
        n=n,
    )


def benchmark(hidden: bool, decimals: int | None = 3) -> Benchmark:
    return Benchmark(hidden=hidden, decimals=decimals, main_measure="R@1")


def test_public_labels_tell_all() -> None:
    every = [score(), score("few", n=3)]
    assert told(benchmark(False, None), every) == every


def test_hidden_labels_tell_nothing_finer_than_the_rounding() -> None:
    (found,) = told(benchmark(True), [score()])
    assert (found.value, found.optimistic, found.pessimistic, found.random) == (0.123, 0.123, 0.123, 0.012)
    assert (found.low, found.high) == (0.103, 0.144)  # outwards
    assert (found.submission_id, found.protocol, found.n) == ("s", "global", 500)


@pytest.mark.parametrize("value", [0.0, 1.0, 0.9999, 0.1239999])
def test_two_runs_that_round_alike_are_told_alike(value: float) -> None:
    near = min(1.0, value + 1e-7)
    first, second = (told(benchmark(True), [score(value=one)])[0] for one in (value, near))
    assert first.value == second.value
    assert first.low is not None
    assert first.high is not None
    assert first.low <= first.value <= first.high


def test_of_hidden_labels_only_large_slices_and_the_main_measure_are_told() -> None:
    every = [
        score(), score(measure="R@5"), score("big", n=LEAST), score("big", "R@5", n=LEAST), score("few", n=LEAST - 1)
    ]  # fmt: skip
    found = [(one.slice, one.measure) for one in told(benchmark(True), every)]
    assert found == [("all", "R@1"), ("all", "R@5"), ("big", "R@1")]


def test_infinite_ranks_and_missing_intervals_stay() -> None:
    rank = score(measure="MedR", value=math.inf)
    rank.low = rank.high = rank.random = None
    (found,) = told(benchmark(True), [rank])
    assert (found.value, found.low, found.high, found.random) == (math.inf, None, None, None)
    rank.low, rank.high = 3.0, math.inf
    (found,) = told(benchmark(True), [rank])
    assert (found.low, found.high) == (3.0, math.inf)
