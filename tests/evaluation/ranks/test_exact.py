from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mmret.evaluation.ranks.exact import FLOAT32, exact_dots, float32_slack, gamma, to_float32

from .slow import awkward, true_dot

finite = st.floats(width=32, allow_nan=False, allow_infinity=False)
pairs = st.integers(1, 40).flatmap(lambda d: arrays.arrays(np.float32, (2, 3, d), elements=finite))


@given(pairs)
def test_exact_dots_are_exact(vectors: np.ndarray) -> None:
    for value, left, right in zip(exact_dots(*vectors), *vectors, strict=True):
        assert Fraction(value, 2**298) == true_dot(left, right)


def test_exact_dots_agree_with_fsum() -> None:
    random = np.random.default_rng(0)
    for kind in range(200):
        queries, documents = awkward(random, kind, 8, 8, int(random.integers(1, 3000)))
        for value, left, right in zip(exact_dots(queries, documents), queries, documents, strict=True):
            assert math.ldexp(float(value), -298) == math.fsum(left.astype(float) * right)


@given(st.lists(st.fractions(-1, 1), min_size=1, max_size=5), st.integers(-298, 126))
def test_rounding_to_float32_is_correct(fractions: list[Fraction], exponent: int) -> None:
    for fraction in fractions:
        value = int(fraction * Fraction(2) ** (exponent + 298))
        (rounded,) = to_float32([value]).tolist()
        truth = Fraction(value, 2**298)
        below, above = (float(np.nextafter(np.float32(rounded), np.float32(end))) for end in (-np.inf, np.inf))
        gap = abs(Fraction(rounded) - truth)
        assert gap <= abs(Fraction(below) - truth)
        assert gap <= abs(Fraction(above) - truth)


@pytest.mark.parametrize(("bump", "expected"), [(-1, 1.0), (0, 1.0), (1, 1.0 + 2**-23)])
def test_rounding_is_done_once(bump: int, expected: float) -> None:
    """1 + 2**-24 lies halfway; what is added is too little for a float64 to hold."""
    assert to_float32([(1 << 298) + (1 << (298 - 24)) + bump]) == [np.float32(expected)]


def test_rounding_beyond_float32() -> None:
    assert to_float32([1 << (298 + 200), -1 << (298 + 200)]).tolist() == [math.inf, -math.inf]


def test_the_bound_holds_for_any_order_of_summation() -> None:
    random = np.random.default_rng(1)
    for kind in range(300):
        left, right = awkward(random, kind, 1, 1, int(random.integers(1, 500)))
        if kind % 10 in (3, 5, 6):  # overflow; `Dot` scales such vectors first
            continue
        norms = [float(np.linalg.norm(side.astype(float))) for side in (left, right)]
        slack = Fraction(float(float32_slack(left.shape[1], np.array(norms[:1]), norms[1])[0]))
        truth = true_dot(left[0], right[0])
        for order in (np.arange(left.shape[1]), random.permutation(left.shape[1])):
            total = np.float32(0)
            for product in (left[0] * right[0])[order]:
                total += product
            assert abs(Fraction(float(total)) - truth) <= slack


def test_gamma_is_above_highams() -> None:
    for terms in (1, 10, 1536, 100_000):
        assert gamma(terms, FLOAT32) > terms * FLOAT32 / (1 - terms * FLOAT32)
