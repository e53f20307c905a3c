"""How the similarities of clips lie, so that bounds can be set where an encoder's cosines call for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..gates import Condition, Space
from ..records import Kind
from .moments import Moments, Pairs
from .similarity import Matrix, cosines

SHARES = (0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999)
BINS = 40  # of a histogram, from -1 to 1
# Where bounds lie in a space that they were not made for: "alike" and "not alike" as shares of random pairs.
ALIKE, UNLIKE = "99%", "50%"
Cosines = Mapping[Space, NDArray[np.float32]]


@dataclass(frozen=True)
class Spread:
    """The cosines of random pairs in one space.

    Parameters
    ----------
    quantiles: share of pairs → the cosine that so many lie below.
    least, most: the ends.
    counts: pairs in each of `BINS` equal parts of -1 … 1.
    """

    quantiles: dict[float, float]
    least: float
    most: float
    counts: list[int]

    @classmethod
    def of(cls, values: NDArray[np.float32]) -> Self:
        """Of cosines `(m,)`, at least one."""
        found = np.quantile(values, SHARES)
        counts = np.histogram(np.clip(values, -1, 1), BINS, (-1, 1))[0]
        quantiles = dict(zip(SHARES, map(float, found), strict=True))
        return cls(quantiles, float(values.min()), float(values.max()), counts.tolist())


@dataclass(frozen=True)
class Passing:
    """What a condition does to random pairs.

    Parameters
    ----------
    condition: as it was given.
    bound: the cosine it stands for.
    share: of the random pairs, of different originals or the same, that pass.
    suggested: what to write instead where nearly all or none of them pass that should not; "" where it does its work.
    """

    condition: str
    bound: float
    share: float
    suggested: str


@dataclass(frozen=True)
class Calibration:
    """How the two spaces lie, and what the conditions of each kind let pass, of `pairs` random pairs.

    `together`: share of the random pairs that pass all conditions of a kind.
    """

    pairs: int
    spaces: dict[Space, Spread]
    conditions: dict[Kind, list[Passing]]
    together: dict[Kind, float]

    def describe(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def calibrate(random: Cosines, one_original: NDArray[np.bool_], gates: Mapping[Kind, Sequence[str]]) -> Calibration:
    """What the cosines of random pairs tell of conditions.

    Parameters
    ----------
    random: for each space float32 `(m,)`, see `random_cosines`.
    one_original: bool `(m,)`, which of the pairs are of one original.
    gates: conditions of each kind, as `Condition.parse` reads them.
    """
    conditions: dict[Kind, list[Passing]] = {}
    together: dict[Kind, float] = {}
    for kind, texts in gates.items():
        whole, told = np.ones(len(one_original), bool), []
        for text in texts:
            condition = Condition.parse(text).resolved(random)
            passed = condition.passes(random[condition.space], one_original)
            whole &= passed
            share = float(passed.mean())
            told.append(Passing(text, condition.bound, share, _suggested(condition, random)))
        conditions[kind], together[kind] = told, float(whole.mean())
    spaces = {space: Spread.of(values) for space, values in random.items()}
    return Calibration(len(one_original), spaces, conditions, together)


def _suggested(condition: Condition, random: Cosines) -> str:
    """A bound by share where the cosine does not divide the space: all are called alike, or nothing is; or unlike."""
    below = float((random[condition.space] < condition.bound).mean())
    if condition.above and not 0.9 <= below < 1:
        return f"{condition.space} > {ALIKE}"
    if not condition.above and not 0.05 <= below <= 0.95:
        return f"{condition.space} < {UNLIKE}"
    return ""


def random_pairs(moments: Moments, count: int, gap: float, seed: int) -> Pairs:
    """`count` random pairs of clips that are not the same moment, or fewer where those drawn are; int64 `(m, 2)`."""
    if not len(moments):
        return np.zeros((0, 2), np.int64)
    pairs = np.random.default_rng(seed).integers(0, len(moments), (count, 2))
    return pairs[moments.apart(pairs, gap)]


def random_cosines(vectors: Mapping[Space, Matrix], pairs: Pairs) -> dict[Space, NDArray[np.float32]]:
    """The cosines of pairs in each space."""
    return {space: cosines(own, pairs) for space, own in vectors.items()}
