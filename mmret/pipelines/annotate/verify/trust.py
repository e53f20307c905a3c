"""How far a judge may be trusted: what it did with controls whose right answer is known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from ....evaluation.statistics import interval
from .controls import Making


@dataclass(frozen=True)
class Trial:
    """What a judge made of one control; one that got no judgement was not accepted.

    `of` is the pair that the control was made of: controls of one pair stand or fall together.
    """

    of: str
    made: Making
    right: bool
    accepted: bool


@dataclass(frozen=True)
class Rate:
    """Errors among `n` controls, with the 95 % interval (Wilson's, see `statistics.interval`); NaN for none."""

    n: int
    errors: int
    value: float
    low: float
    high: float

    @classmethod
    def of(cls, trials: Sequence[Trial]) -> Self:
        """Of controls, of which those are errors that were accepted and wrong, or neither."""
        errors = [float(trial.accepted != trial.right) for trial in trials]
        if not errors:
            return cls(0, 0, math.nan, math.nan, math.nan)
        pairs = np.unique([trial.of for trial in trials], return_inverse=True)[1]
        low, high = interval(errors, pairs)
        return cls(len(errors), int(sum(errors)), sum(errors) / len(errors), low, high)


@dataclass(frozen=True)
class Trust:
    """What the controls say of a judge.

    Parameters
    ----------
    false_accepts: among known-wrong controls; `by_making` tells them, and known-right ones, apart by how they are made.
    false_rejects: among known-right ones.
    trusted: whether its judgements count.
    reason: why they do not; "" where they do.
    """

    judge: str
    false_accepts: Rate
    false_rejects: Rate
    by_making: dict[str, Rate]
    trusted: bool
    reason: str

    @classmethod
    def of(cls, judge: str, trials: Sequence[Trial], most: float) -> Self:
        """Of a judge's trials.

        `most` is what the upper end of the interval of its false accepts may be: so a judge that was tried on few
        controls is not trusted either, nor one that accepts everything.
        """
        accepts = Rate.of([trial for trial in trials if not trial.right])
        makings = {made: Rate.of([one for one in trials if one.made == made]) for made in {one.made for one in trials}}
        reason = ""
        if not accepts.n:
            reason = "no known-wrong controls were judged"
        elif not accepts.high <= most:
            reason = (
                f"accepts {accepts.errors} of {accepts.n} known-wrong controls, in truth up to {accepts.high:.0%}; "
                f"at most {most:.0%} is allowed"
            )
        rejects = Rate.of([trial for trial in trials if trial.right])
        return cls(judge, accepts, rejects, dict(sorted(makings.items())), not reason, reason)
