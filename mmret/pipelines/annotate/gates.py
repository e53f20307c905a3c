"""What two clips must be like to make a pair of a kind, in words: "visual > 0.9", "audio < 30%"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

Space = Literal["visual", "audio"]
SAME_ORIGINAL = " or same original"
_CONDITION = re.compile(rf"(visual|audio) *([<>]) *(-?\d*\.?\d+)(%?)({SAME_ORIGINAL})?")


@dataclass(frozen=True)
class Condition:
    """A bound on the similarity of two clips in one space.

    Parameters
    ----------
    space: whose cosines are meant.
    above: whether they must be above the bound, and not below.
    bound: a cosine, or a share of random pairs: the cosine that so many of them lie below.
    is_share: which of the two.
    same_original: whether clips of one original pass in any case.
    """

    space: Space
    above: bool
    bound: float
    is_share: bool
    same_original: bool

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "visual > 0.9", "audio < 30%" or "audio > 0.7 or same original"; raises `ValueError` for others."""
        found = _CONDITION.fullmatch(text.strip())
        if found is None:
            raise ValueError(f'{text!r}: write such as "visual > 0.9", "audio < 30%" or "audio > 0.7{SAME_ORIGINAL}"')
        bound, is_share = float(found[3]) / (100 if found[4] else 1), bool(found[4])
        if not (0 if is_share else -1) <= bound <= 1:
            raise ValueError(f"{text!r}: cosines lie from -1 to 1, shares from 0 to 100 %")
        return cls("visual" if found[1] == "visual" else "audio", found[2] == ">", bound, is_share, bool(found[5]))

    def resolved(self, random: Mapping[Space, NDArray[np.float32]]) -> Condition:
        """The condition with a cosine for its bound, given those of random pairs in each space."""
        if not self.is_share:
            return self
        bound = float(np.quantile(random[self.space], self.bound))
        return Condition(self.space, self.above, bound, False, self.same_original)

    def passes(self, cosines: NDArray[np.float32], one_original: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which pairs pass, given their cosines `(m,)` and whether they are of one original; of resolved ones."""
        within = cosines > self.bound if self.above else cosines < self.bound
        return within | one_original if self.same_original else within

    def __str__(self) -> str:
        bound = f"{self.bound:.1%}" if self.is_share else f"{self.bound:.3f}"
        return f"{self.space} {'>' if self.above else '<'} {bound}{SAME_ORIGINAL if self.same_original else ''}"
