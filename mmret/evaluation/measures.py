"""Measures of a ranking, computed from counts: exact expectations over the random order of tied candidates.

A group of ties stands behind `a` candidates that score higher; it has `e` members, `r` of them positive. In a random
order each of the `e` slots, the places a + 1 … a + e, holds a given positive with probability 1 / e. What follows for
each measure is written at its function; the approach is McSherry and Najork, Computing Information Retrieval
Performance Measures Efficiently in the Presence of Tied Scores, ECIR 2008, section 3.

A query without positives has no value (NaN). A positive that was not retrieved counts in the denominator of recall, in
average precision and in the ideal of nDCG; a query none of whose positives was retrieved has rank infinity.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, unknown_name
from .ranks import Counts
from .statistics import Aggregate, figure

Vector = NDArray[np.float64]
GREATEST = 1000  # grade whose gain may grow exponentially: two to it, many times, is less than the largest float64


@dataclass(frozen=True)
class Values:
    """One measure for each query, float64 `(queries,)` each.

    `expected` is the mean over all orders of ties, `optimistic` and `pessimistic` are what the order best and worst
    for the positives gives (for ranks, optimistic is the smaller number).
    """

    expected: Vector
    optimistic: Vector
    pessimistic: Vector


@dataclass(frozen=True)
class Measure:
    """A measure, as `Measure.parse("nDCG@10")` makes it; `str` gives the text back.

    Parameters
    ----------
    name: a key of `FAMILIES`.
    cutoff: places of the ranking that count, or None for all.
    exponential: gains 2**grade - 1 instead of the grade itself (nDCG only).
    """

    name: str
    cutoff: int | None = None
    exponential: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """`R@k`, `Success@k`, `P@k`, `nDCG[@k]`, `nDCG(gain=exp)[@k]`, `MRR[@k]`, `AP[@k]`, `Rprec`, `MedR`, `MeanR`.

        Names are read in any case, and by the usual synonyms (recall, hit, MAP, …). Raises `InputError` with the
        nearest names.
        """
        match = re.fullmatch(r"\s*([A-Za-z]+)(\(gain=(exp|linear)\))?(?:@(\d+))?\s*", text)
        name = _NAMES.get(match[1].lower()) if match else None
        if match is None or name is None:
            raise unknown_name("measure", text, _examples())
        if match[4] is not None and len(match[4]) > 9:
            raise InputError(f"measure {text[:40]!r}: no ranking has so many places")
        cutoff = None if match[4] is None else int(match[4])
        family = FAMILIES[name]
        if (cutoff is None and family.cutoff == "needed") or cutoff == 0:
            raise InputError(f"measure {text!r} needs a cut-off of at least 1, such as {name}@10")
        if cutoff is not None and family.cutoff == "none":
            raise InputError(f"measure {text!r}: {name} takes no cut-off")
        if match[2] is not None and name != "nDCG":
            raise InputError(f"measure {text!r}: only nDCG has a gain")
        return cls(name, cutoff, match[3] == "exp")

    def __str__(self) -> str:
        gain = "(gain=exp)" if self.exponential else ""
        return f"{self.name}{gain}" + ("" if self.cutoff is None else f"@{self.cutoff}")

    @property
    def higher_is_better(self) -> bool:
        """False for ranks."""
        return FAMILIES[self.name].higher

    @property
    def aggregation(self) -> Aggregate:
        """What one figure for many queries is: their median for MedR, else their mean."""
        return "median" if self.name == "MedR" else "mean"

    def aggregate(self, values: Vector | Sequence[float]) -> float:
        """The figure for many queries, NaN for none."""
        return figure(values, self.aggregation)

    def __call__(self, counts: Counts) -> Values:
        """Evaluate for every query."""
        tied, best, worst = _cases(counts, self.exponential)
        expected = self._evaluate(tied)
        if best is tied:
            return Values(expected, expected, expected)
        return Values(expected, self._evaluate(best), self._evaluate(worst))

    def _evaluate(self, groups: Groups) -> Vector:
        values = FAMILIES[self.name].formula(groups, self.cutoff)
        values[groups.positives == 0] = np.nan
        return values


@lru_cache(maxsize=2)
def _cases(counts: Counts, exponential: bool) -> tuple[Groups, Groups, Groups]:
    """Groups of ties as they are, and with the ties broken for and against the positives; kept for the next measure."""
    tied = Groups.of(counts, exponential)
    if not (counts.tied > 1).any():
        return tied, tied, tied
    best, worst = (Groups.of(break_ties(counts, favour), exponential) for favour in (True, False))
    return tied, best, worst


def break_ties(counts: Counts, favour: bool) -> Counts:
    """Counts without ties: the positives of each group of ties put first, the best grades foremost, or put last."""
    order = np.lexsort((-counts.gain if favour else counts.gain, counts.greater, counts.query))
    query, greater, tied = counts.query[order], counts.greater[order], counts.tied[order]
    start = _starts(query, greater)
    size = np.diff(np.append(start, len(query)))
    place = greater + np.arange(len(query)) - np.repeat(start, size)
    if not favour:
        place += tied - np.repeat(size, size)
    found = tied > 0
    return Counts(query, counts.gain[order], np.where(found, place, -1), found.astype(np.int64), counts.candidates)


@dataclass(frozen=True)
class Groups:
    """The groups of ties that hold positives, ordered by query and place; int64 or float64 `(groups,)`.

    `query`; `ahead` (a), `size` (e), `right` (r) as above; `gain`: sum of the gains of its positives; `before`:
    positives in earlier groups of the query; `first`: whether it is the query's first. `positives` `(queries,)`: all
    positives, retrieved or not; `gains` and `owners`: the gain and the query of each of them, best first.
    """

    query: NDArray[np.int64]
    ahead: NDArray[np.int64]
    size: NDArray[np.int64]
    right: NDArray[np.int64]
    gain: Vector
    before: NDArray[np.int64]
    first: NDArray[np.bool_]
    positives: NDArray[np.int64]
    gains: Vector
    owners: NDArray[np.int64]

    @classmethod
    def of(cls, counts: Counts, exponential: bool = False) -> Groups:
        """Sorted first, so that no sum depends on the order in which the positives came."""
        if exponential and counts.gain.max(initial=0) > GREATEST:
            raise InputError(f"nDCG(gain=exp): 2 to a grade of {counts.gain.max():g} is too large; take nDCG")
        gains = np.exp2(counts.gain) - 1 if exponential else counts.gain
        if (np.diff(counts.query) > 0).all():  # one positive a query: nothing to sort
            best = order = np.arange(len(gains))
        else:
            best = np.lexsort((-gains, counts.query))
            order = np.lexsort((gains, counts.greater, counts.query))
        order = order[counts.tied[order] > 0]
        query, ahead = counts.query[order].astype(np.int64), counts.greater[order]
        start = _starts(query, ahead)
        right = np.diff(np.append(start, len(order)))
        query = query[start]
        first = np.ones(len(start), bool)
        first[1:] = query[1:] != query[:-1]
        seen = np.cumsum(right) - right
        return cls(
            query=query,
            ahead=ahead[start],
            size=counts.tied[order][start],
            right=right,
            gain=np.add.reduceat(gains[order], start) if len(start) else np.zeros(0),
            before=seen - np.maximum.accumulate(np.where(first, seen, 0)),
            first=first,
            positives=np.bincount(counts.query, minlength=len(counts.candidates)),
            gains=gains[best],
            owners=counts.query[best].astype(np.int64),
        )

    def inside(self, cutoff: int | NDArray[np.int64] | None) -> NDArray[np.int64]:
        """How many of each group's slots lie within the cut-off (c)."""
        return self.size if cutoff is None else np.minimum(np.maximum(cutoff - self.ahead, 0), self.size)

    def total(self, values: Vector) -> Vector:
        """Sum of the groups' values for each query."""
        return np.bincount(self.query, values, len(self.positives)).astype(np.float64)

    def unlike(self, c: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], list[list[int]]]:
        """Groups with several positives whose order matters, and their distinct (a, e, r, c, before), with inverse."""
        some = np.flatnonzero((self.right > 1) & (c > 0))
        columns = np.stack([self.ahead, self.size, self.right, c, self.before], axis=1)[some]
        kinds, inverse = np.unique(columns, axis=0, return_inverse=True)
        return some, inverse.ravel(), kinds.tolist()


def _starts(query: NDArray[np.integer], greater: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where in sorted entries a new group begins."""
    new = np.ones(len(query), bool)
    new[1:] = (query[1:] != query[:-1]) | (greater[1:] != greater[:-1])
    return np.flatnonzero(new)


def _weigh(ahead: NDArray[np.int64], c: NDArray[np.int64], weight: Callable[[Vector], Vector]) -> Vector:
    """Sum of weight(i) over the places i = a + 1 … a + c.

    Taken from running sums, which err by less than c roundings of the sum; single places directly.
    """
    sums = np.where(c == 1, weight((ahead + 1).astype(np.float64)), 0.0)
    many = np.flatnonzero(c > 1)
    if len(many):
        top = int((ahead[many] + c[many]).max())
        running = np.concatenate([np.zeros(1), np.cumsum(weight(np.arange(1.0, top + 1)))])
        sums[many] = running[ahead[many] + c[many]] - running[ahead[many]]
    return sums


def _reciprocal(place: Vector) -> Vector:
    return 1 / place


def _discount(place: Vector) -> Vector:
    return 1 / np.log2(place + 1)


def _over(values: Vector, by: NDArray[np.integer] | Vector) -> Vector:
    return np.divide(values, by, out=np.zeros(len(values)), where=by != 0)


def recall(groups: Groups, cutoff: int | None) -> Vector:
    """Share of the positives within the cut-off; expected: sum over groups of r c / e, over all positives."""
    return _found(groups, groups.inside(cutoff), groups.positives)


def precision(groups: Groups, cutoff: int | None) -> Vector:
    """Positives within the cut-off over the cut-off, as trec_eval; expected: sum of r c / e, over k."""
    return _found(groups, groups.inside(cutoff), np.full(len(groups.positives), cutoff or 1))


def r_precision(groups: Groups, _: int | None) -> Vector:
    """Precision at as many places as the query has positives."""
    return _found(groups, groups.inside(groups.positives[groups.query]), groups.positives)


def _found(groups: Groups, c: NDArray[np.int64], by: NDArray[np.int64]) -> Vector:
    """Sum of r c / e over each query's groups, divided by `by`, rounded once.

    A cut-off falls into one group at most; the others have c = e or 0 and add whole numbers.
    """
    whole = groups.total(groups.right * (c == groups.size))
    cut = np.flatnonzero((c > 0) & (c < groups.size))
    share, size = np.zeros(len(by), np.int64), np.ones(len(by), np.int64)
    share[groups.query[cut]], size[groups.query[cut]] = (groups.right * c)[cut], groups.size[cut]
    return _over(whole * size + share, by * size)


def success(groups: Groups, cutoff: int | None) -> Vector:
    """Whether a positive is within the cut-off; expected: 1 - C(e - r, c) / C(e, c) of the first group.

    Later groups cannot matter: they begin where the first one ends. The sum over slots i of the probability that the
    first positive is there, C(e - i, r - 1) / C(e, r), is the same and keeps all digits.
    """
    c = groups.inside(cutoff)
    chance = np.where(groups.first, c / groups.size, 0.0)
    some, inverse, kinds = groups.unlike(np.where(groups.first, c, 0))
    values = [1.0 if c > e - r else math.fsum(_first_place(e, r, c)) for _, e, r, c, _ in kinds]
    chance[some] = np.array(values)[inverse] if kinds else 0.0
    return groups.total(chance)


def reciprocal_rank(groups: Groups, cutoff: int | None) -> Vector:
    """1 / place of the first positive, 0 beyond the cut-off; expected, over the slots i of the first group:

    sum of C(e - i, r - 1) / C(e, r) / (a + i), which is (H(a + c) - H(a)) / e for one positive (H: harmonic numbers).
    """
    c = np.where(groups.first, groups.inside(cutoff), 0)
    value = _weigh(groups.ahead, c, _reciprocal) / groups.size
    some, inverse, kinds = groups.unlike(c)
    sums = [math.fsum(_first_place(e, r, c) / np.arange(a + 1, a + c + 1)) for a, e, r, c, _ in kinds]
    value[some] = np.array(sums)[inverse] if kinds else 0.0
    return groups.total(value)


def _first_place(e: int, r: int, c: int) -> Vector:
    """Probability that the first of r positives among e is in slot i, for i = 1 … c; slots beyond e - r + 1 have 0."""
    slots = np.arange(c - 1)
    factors = np.maximum(e - r - slots, 0) / np.maximum(e - 1 - slots, 1)
    return r / e * np.concatenate([np.ones(1), np.cumprod(factors)])


def average_precision(groups: Groups, cutoff: int | None) -> Vector:
    """Mean over all positives of the precision at their place, 0 beyond the cut-off; expected, over slots i:

    r / e * (before + 1 + (i - 1) (r - 1) / (e - 1)) / (a + i): the slot holds a positive, and each of the other i - 1
    slots of the group ahead of it holds one of the r - 1 others.
    """
    c = groups.inside(cutoff)
    value = (groups.before + 1) * _weigh(groups.ahead, c, _reciprocal) / groups.size
    some, inverse, kinds = groups.unlike(c)
    sums = []
    for a, e, r, c_, before in kinds:
        i = np.arange(c_)
        sums.append(r / e * math.fsum((before + 1 + i * ((r - 1) / (e - 1))) / (a + 1 + i)))
    value[some] = np.array(sums)[inverse] if kinds else 0.0
    return _over(groups.total(value), groups.positives)


def ndcg(groups: Groups, cutoff: int | None) -> Vector:
    """Sum of gain / log2(place + 1) within the cut-off, over the same of the best possible order.

    Järvelin and Kekäläinen, ACM TOIS 20(4), 2002, with the discount of trec_eval and, like it, the grade itself as
    gain; the ideal holds all positives, retrieved or not. Expected: the group's mean gain times its slots' discounts.
    """
    value = groups.gain / groups.size * _weigh(groups.ahead, groups.inside(cutoff), _discount)
    ends = np.cumsum(groups.positives)
    place = np.arange(len(groups.owners)) - (ends - groups.positives)[groups.owners]
    ideal = groups.gains * np.where(place < (cutoff or len(place)), _discount((place + 1).astype(np.float64)), 0.0)
    return _over(groups.total(value), np.bincount(groups.owners, ideal, len(groups.positives)))


def best_rank(groups: Groups, _: int | None) -> Vector:
    """Place of the first positive, infinity where none was retrieved; expected: a + (e + 1) / (r + 1)."""
    ranks = np.full(len(groups.positives), np.inf)
    some = groups.first
    ranks[groups.query[some]] = groups.ahead[some] + (groups.size[some] + 1) / (groups.right[some] + 1)
    return ranks


@dataclass(frozen=True)
class Family:
    """How measures of one name are computed; `cutoff` "needed", "free" or "none"; `other` names they are known by."""

    formula: Callable[[Groups, int | None], Vector]
    cutoff: str
    other: tuple[str, ...] = ()
    higher: bool = True


FAMILIES = {
    "R": Family(recall, "needed", ("recall",)),
    "Success": Family(success, "needed", ("hit", "hits", "hitrate")),
    "P": Family(precision, "needed", ("precision",)),
    "nDCG": Family(ndcg, "free"),
    "MRR": Family(reciprocal_rank, "free", ("rr",)),
    "AP": Family(average_precision, "free", ("map",)),
    "Rprec": Family(r_precision, "none", ("rprecision",)),
    "MedR": Family(best_rank, "none", ("medianrank",), higher=False),
    "MeanR": Family(best_rank, "none", ("meanrank",), higher=False),
}
_NAMES = {known.lower(): name for name, family in FAMILIES.items() for known in (name, *family.other)}


def _examples() -> list[str]:
    return [name + ("@10" if family.cutoff == "needed" else "") for name, family in FAMILIES.items()]
