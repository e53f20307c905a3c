"""Which queries to look at, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError, unknown_name
from .facts import Facts

Kind = Literal["all", "wrong", "a_right_b_wrong", "source_beats_target", "ties"]
Sort = Literal["rank", "gap", "id"]
KINDS: tuple[Kind, ...] = get_args(Kind)
SORTS: tuple[Sort, ...] = get_args(Sort)


def select(
    facts: Facts,
    *,
    slices: Sequence[str] = (),
    system: str | None = None,
    versus: str | None = None,
    kind: Kind = "all",
    within: int = 1,
    text: str = "",
    sort: Sort = "id",
    reverse: bool = False,
) -> NDArray[np.int64]:
    """Positions of the queries that fit, int64, in order.

    Parameters
    ----------
    slices: labels, all of which a query must carry (its type, kind of sound, difficulty, …).
    system: the system, A, that is judged; see `a_and_b`.
    versus: another, B, for "a_right_b_wrong" and "gap".
    kind: "wrong": A does not place a right document within the first; "a_right_b_wrong": A does and B does not;
        "source_beats_target": the source stands above every right document with A; "ties": A's best right one ties.
    within: how many places are "the first"; where documents tie, the mean of their places decides.
    text: words that must all occur in the query's text or its id, in any case.
    sort: "rank": A's best first; "gap": where A's reciprocal rank exceeds B's the most first; "id". Equals by id.
    reverse: the other way round.

    Raises `InputError` for an unknown name, and where B is needed and there is one system alone.
    """
    if kind not in KINDS:
        raise unknown_name("kind of query", kind, KINDS)
    if sort not in SORTS:
        raise unknown_name("order", sort, SORTS)
    a, b = a_and_b(facts, system, versus)
    if b is None and (kind == "a_right_b_wrong" or sort == "gap"):
        raise InputError("there is one system alone; open two results to compare them")
    right = facts.rank <= within
    fits = np.ones(len(facts.candidates), bool)
    for label in slices:
        fits &= _members(facts, label)
    if kind == "wrong":
        fits &= ~right[a]
    elif kind == "a_right_b_wrong":
        fits &= right[a] & ~right[b]
    elif kind == "source_beats_target":
        fits &= facts.source_ahead[a]
    elif kind == "ties":
        fits &= facts.tied[a]
    found = np.flatnonzero(fits)
    if words := text.casefold().split():
        found = found[[all(word in told for word in words) for told in _told(facts, found)]]
    if sort == "rank":
        found = found[np.argsort(facts.rank[a, found], kind="stable")]
    elif sort == "gap":
        gain = 1 / facts.rank[a, found] - 1 / facts.rank[b, found]
        found = found[np.argsort(-gain, kind="stable")]
    return found[::-1] if reverse else found


def a_and_b(facts: Facts, system: str | None = None, versus: str | None = None) -> tuple[int, int | None]:
    """Numbers of the system that is judged, A, and of the one beside it, B: by name, else the first ones.

    B is None where there is one system alone. Raises `InputError` for an unknown name.
    """
    for name in (system, versus):
        if name and name not in facts.systems:
            raise unknown_name("system", name, facts.systems)
    a = facts.systems.index(system) if system else 0
    if versus:
        return a, facts.systems.index(versus)
    return a, None if len(facts.systems) < 2 else 0 if a else 1


def _members(facts: Facts, label: str) -> NDArray[np.bool_]:
    if label not in facts.benchmark.slices:
        raise unknown_name("slice", label, facts.benchmark.slices)
    inside = np.zeros(len(facts.candidates), bool)
    inside[facts.benchmark.slices[label]] = True
    return inside


def _told(facts: Facts, queries: NDArray[np.int64]) -> list[str]:
    items = (facts.benchmark.queries[i] for i in queries.tolist())
    return [f"{item.id} {item.text or ''}".casefold() for item in items]
