"""Slow and plain references that the tests hold the fast code against, and data made to trip it."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from mmret.benchmarks.ragged import Ragged

Matrix = NDArray[np.float32]


def true_dot(left: Matrix, right: Matrix) -> Fraction:
    return sum((Fraction(float(a)) * Fraction(float(b)) for a, b in zip(left, right, strict=True)), Fraction(0))


def true_maxsim(left: Matrix, right: Matrix) -> Fraction:
    return sum((max(true_dot(v, w) for w in right) for v in left), Fraction(0))


def single(value: Fraction) -> float:
    """The float32 nearest to `value`, the even one of two; infinite beyond the largest. Not by way of float64."""
    if value == 0:
        return 0.0
    size, exponent = abs(value), -149
    while size / Fraction(2) ** exponent >= 2**24:
        exponent += max(1, int(size / Fraction(2) ** exponent).bit_length() - 25)
    whole = round(size / Fraction(2) ** exponent)  # to even
    rounded = Fraction(whole) * Fraction(2) ** exponent
    sign = 1 if value > 0 else -1
    return sign * (float(rounded) if rounded < Fraction(2) ** 128 else float("inf"))


def standing(scores: list[dict[int, Fraction]], probes: Ragged) -> tuple[list[int], list[int]]:
    """`greater` and `tied` from true scores `{document: score}` of each query's candidates."""
    greater, tied = [], []
    for row, wanted in zip(scores, probes, strict=True):
        for probe in wanted.tolist():
            greater.append(sum(score > row[probe] for score in row.values()))
            tied.append(sum(score == row[probe] for score in row.values()))
    return greater, tied


def true_scores(queries: Matrix, documents: Matrix, gallery: Ragged | None) -> list[dict[int, Fraction]]:
    everything = list(range(len(documents)))
    lists = [everything if gallery is None else gallery[i % len(gallery)].tolist() for i in range(len(queries))]
    return [{c: true_dot(query, documents[c]) for c in own} for query, own in zip(queries, lists, strict=True)]


def lists(random: np.random.Generator, documents: int, queries: int, low: int) -> Ragged:
    """Random lists without repetition."""
    sizes = random.integers(low, documents + 1, queries)
    return Ragged.of([random.choice(documents, size, replace=False) for size in sizes])


def probes_of(random: np.random.Generator, documents: int, queries: int, gallery: Ragged | None) -> Ragged:
    """Up to three probes a query out of its candidates, sometimes none."""
    everything = np.arange(documents)
    own = [everything if gallery is None else gallery[i % len(gallery)] for i in range(queries)]
    return Ragged.of([random.choice(some, min(len(some), random.integers(0, 4)), replace=False) for some in own])


def awkward(random: np.random.Generator, kind: int, n: int, documents: int, d: int) -> tuple[Matrix, Matrix]:
    """Queries and documents full of near-ties, copies, cancellation, subnormal and huge numbers, and zeros."""
    queries = random.standard_normal((n, d)).astype(np.float32)
    few = random.standard_normal((4, d)).astype(np.float32)
    copies = few[random.integers(0, 4, documents)]
    match kind % 10:
        case 0:  # an ulp apart in some places
            ends = np.array([-np.inf, np.inf], np.float32)[random.integers(0, 2, copies.shape)]
            rest = np.where(random.random(copies.shape) < 0.5, copies, np.nextafter(copies, ends))
        case 1:
            rest = copies
        case 2:  # small integers: many ties of unlike vectors
            queries = random.integers(-2, 3, (n, d)).astype(np.float32)
            rest = random.integers(-2, 3, (documents, d)).astype(np.float32)
        case 3:  # cancellation: huge numbers whose products sum to little
            queries[:, ::2] = 2.0**60
            rest = random.standard_normal((documents, d)).astype(np.float32)
            rest[:, ::2] = np.sort(rest[:, ::2] * np.float32(2.0**50)) * random.choice([-1, 1], rest[:, ::2].shape)
        case 4:  # subnormal numbers
            queries = (queries * np.float32(1e-20)).astype(np.float32)
            rest = (random.integers(-5, 6, (documents, d)) * np.float64(2.0**-149)).astype(np.float32)
        case 5:  # products beyond float32
            queries, rest = queries * np.float32(1e37), copies * np.float32(1e37)
        case 6:  # norms of all sizes
            rest = np.ldexp(copies, random.integers(-140, 100, (documents, 1))).astype(np.float32)
        case 7:  # zeros
            queries[random.random(n) < 0.5] = 0
            rest = random.standard_normal((documents, d)).astype(np.float32) * (random.random((documents, d)) < 0.3)
            rest = np.where(random.random(rest.shape) < 0.2, -rest * 0, rest)
        case 8:  # permuted coordinates against a flat query: equal sums of unlike terms
            queries = np.full((n, d), 0.1, np.float32)
            rest = random.permuted(np.broadcast_to(few[0], (documents, d)), axis=1)
        case _:
            rest = random.standard_normal((documents, d)).astype(np.float32)
    return queries, np.ascontiguousarray(rest, np.float32)


def cases(count: int, seed: int) -> Iterator[tuple[np.random.Generator, Matrix, Matrix, Ragged | None, Ragged]]:
    """Random galleries (none, shared, own) and probes over awkward vectors."""
    random = np.random.default_rng(seed)
    for kind in range(count):
        n, documents, d = (int(x) for x in random.integers(1, [7, 40, 9]))
        queries, rest = awkward(random, kind, n, documents, d)
        gallery = [None, lists(random, documents, 1, 1), lists(random, documents, n, 1)][kind // 10 % 3]
        yield random, queries, rest, gallery, probes_of(random, documents, n, gallery)
