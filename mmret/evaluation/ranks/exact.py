"""Exact inner products of float32 vectors: error bounds that let a fast product decide, and exact sums where it cannot.

Three steps, each deciding what the one before could not:

1. A float32 product in any order of summation, with or without fused operations, on any device, errs by at most
   `float32_slack`.
2. A product of two float32 numbers has at most 48 significant bits and is exact in float64, so a float64 sum of such
   products errs by at most gamma(d) * sum |q_j d_j| (`gamma`).
3. `exact_dots` sums the products without any error, as integers.

The bound is Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed., eq. (3.5): for any order of evaluation
|fl(x.y) - x.y| <= gamma_n |x|.|y| with gamma_n = n u / (1 - n u); a fused multiply-add only drops roundings. By
Cauchy-Schwarz |x|.|y| <= ||x|| ||y||.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FLOAT32 = 2.0**-24  # unit roundoffs
FLOAT64 = 2.0**-53
TINY32 = 2.0**-126  # smallest normal float32: what an underflow may lose where subnormal numbers become zero
GRID = 298  # every product of two float32 numbers is a multiple of 2**-298


def gamma(terms: int, roundoff: float) -> float:
    """Higham's gamma_n, made a little larger so that it also covers the rounding of the bound itself."""
    return (terms + 4) * roundoff / (1 - (terms + 4) * roundoff)


def float32_slack(terms: int, left: NDArray[np.float64], right: float) -> NDArray[np.float64]:
    """How far a float32 inner product of `terms` products may be from the true one.

    `left` and `right` are upper bounds of the norms; their product must stay below 2**127, so that nothing overflows.
    The second summand covers underflow, also on hardware that reads and writes subnormal numbers as zero: each input,
    product and partial sum then loses at most 2**-126 (times the number it is multiplied with).
    """
    return gamma(terms, FLOAT32) * left * right + 4 * terms * TINY32 * (1 + left + right)


def exact_dots(left: NDArray[np.float32], right: NDArray[np.float32]) -> list[int]:
    """Inner products of the rows of `left` and `right`, both float32 `(m, d)`, as integers in units of 2**-298.

    The exact products are split by a power of two `sigma` into a part on a coarse grid, whose sum cannot round, and a
    rest at least 2**(53 - log2(d + 2)) times smaller, until no rest is left: Rump, Ogita and Oishi, Accurate
    floating-point summation part I, SIAM J. Sci. Comput. 31(1), 2008, section 3 (ExtractVector).
    """
    terms = left.astype(np.float64) * right
    guard = math.ceil(math.log2(terms.shape[1] + 2))
    totals = [0] * len(terms)
    while (top := np.abs(terms).max(axis=1, initial=0.0)).any():
        sigma = np.where(top > 0, np.ldexp(1.0, np.frexp(top)[1] + guard), 0.0)[:, None]
        coarse = (terms + sigma) - sigma
        terms -= coarse
        sums = np.ldexp(coarse.sum(axis=1), GRID).tolist()
        totals = [total + int(part) for total, part in zip(totals, sums, strict=True)]
    return totals


def to_float32(values: Sequence[int]) -> NDArray[np.float32]:
    """Integers in units of 2**-298, correctly rounded to float32 (infinite beyond its range).

    Rounding first to float64 "to odd" and then to float32 gives the same as rounding once (Boldo and Melquiond,
    Emulation of FMA and correctly rounded sums, IEEE Trans. Comput. 57(4), 2008).
    """
    odd = [math.ldexp(_to_odd(value), -GRID) for value in values]
    with np.errstate(over="ignore", under="ignore"):
        return np.array(odd, np.float64).astype(np.float32)


def _to_odd(value: int) -> float:
    """The float64 nearest to `value`; where that is inexact, the neighbour whose last bit is set."""
    near = float(value)
    if int(near) == value or int(math.frexp(near)[0] * 2**53) & 1:
        return near
    return math.nextafter(near, math.inf if int(near) < value else -math.inf)
