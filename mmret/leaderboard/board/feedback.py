"""What a submission to a benchmark with hidden labels may learn from its scores."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from ...evaluation.summary import ALL
from .database import Benchmark, Score

LEAST = 100  # queries of a slice whose figure is told; that of fewer is nearly a label


def told(benchmark: Benchmark, scores: Sequence[Score]) -> list[Score]:
    """The scores that are kept and shown, which for public labels are all.

    Of hidden labels nothing finer than `benchmark.decimals` is told: no values of single queries, no bounds over ties,
    intervals rounded outwards, of slices the main measure alone, and no slice of fewer than `LEAST` queries. What is
    not kept cannot leak, so the worker keeps these and no others; values of single queries stay in a private file.

    How much a submission can find out: a figure at d decimals has 10**d + 1 values and its place among R rows R, so F
    figures, the two ends of their intervals and their ranks tell at most F (3 log2(10**d + 1) + log2 R) bits, and the
    flags of `trust` 4. With p protocols, m measures and s slices F is p (m + s). For example 2 protocols, 6 measures,
    5 slices, 3 decimals and 200 rows: 22 figures and at most 830 bits a submission, about a quarter of it from the
    figures themselves, as intervals and ranks say little that these do not. The quota bounds the number of probes: 50
    submissions find out at most 42,000 bits of the 55,000 that say which of 2,000 candidates is right for each of 5,000
    queries, and in truth far fewer, because figures of one run repeat each other.
    """
    if not benchmark.hidden:
        return list(scores)
    kept = [one for one in scores if one.slice == ALL or (one.n >= LEAST and one.measure == benchmark.main_measure)]
    return [_coarse(one, benchmark.decimals) for one in kept]


def rounded(value: float, decimals: int | None) -> float:
    """A figure as it is told."""
    return value if decimals is None or not math.isfinite(value) else round(value, decimals)


def _coarse(score: Score, decimals: int | None) -> Score:
    value = rounded(score.value, decimals)
    return Score(
        submission_id=score.submission_id,
        protocol=score.protocol,
        slice=score.slice,
        measure=score.measure,
        value=value,
        optimistic=value,
        pessimistic=value,
        low=None if score.low is None else min(value, _outwards(score.low, decimals, math.floor)),
        high=None if score.high is None else max(value, _outwards(score.high, decimals, math.ceil)),
        random=None if score.random is None else rounded(score.random, decimals),
        n=score.n,
    )


def _outwards(end: float, decimals: int | None, whole: Callable[[float], int]) -> float:
    return end if decimals is None or not math.isfinite(end) else whole(end * 10**decimals) / 10**decimals
