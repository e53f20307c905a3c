"""The page of the queries: a list that filters and sorts, and one query with what systems answered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..browse import KINDS, SORTS, a_and_b, select
from ..facts import Facts, Hit, Listing
from ..views import rows_view
from ..votes import Vote
from .cards import Card
from .scene import Scene, place_of
from .state import MOST, State

SHEET = 50  # queries of the list
DEPTHS = (5, 10, 20, 50)  # documents of an answer that can be asked for


@dataclass(frozen=True)
class Answer:
    """What a system answered.

    Parameters
    ----------
    number: of the system, which decides its colour.
    rank, optimistic, pessimistic: of the best right document; infinite where it was not retrieved.
    top: the first documents; None where the run does not hold this protocol's candidates.
    below: right documents and the source where they stand further down.
    depth: candidates of a query that the run keeps; None for all.
    """

    number: int
    name: str
    rank: float
    optimistic: float
    pessimistic: float
    source_ahead: bool
    top: list[Card] | None
    below: list[Card]
    depth: int | None


def queries(scene: Scene, state: State) -> dict[str, Any]:
    """The values of the template `queries.html.j2`."""
    study = scene.study
    facts = study.facts(state.protocol or study.protocols[0])
    a, b = a_and_b(facts, state.system, state.versus)
    found = select(
        facts,
        slices=state.slice,
        system=state.system,
        versus=state.versus,
        kind=state.kind,
        within=state.within,
        text=state.text,
        sort=state.sort,
        reverse=state.reverse,
    )
    sheets = max(1, -(-len(found) // SHEET))
    first = (min(state.sheet, sheets) - 1) * SHEET
    rows = rows_view(facts, found[first : first + SHEET])
    chosen = _chosen(facts, state.query, found[first : first + 1])
    return {
        "facts": facts,
        "a": facts.systems[a],
        "b": None if b is None else facts.systems[b],
        "kinds": KINDS,
        "sorts": SORTS,
        "depths": DEPTHS,
        "found": len(found),
        "sheet": first // SHEET + 1,
        "sheets": sheets,
        "rows": rows,
        "detail": None if chosen is None else _detail(scene, facts, state, chosen, found, (a, b)),
    }


def _chosen(facts: Facts, name: str, first: NDArray[np.int64]) -> int | None:
    """The query of that id, else the first of the sheet; None where there is none."""
    return place_of(facts.benchmark.queries, name, "query") if name else next(iter(first.tolist()), None)


def _detail(
    scene: Scene, facts: Facts, state: State, query: int, found: NDArray[np.int64], pair: tuple[int, int | None]
) -> dict[str, Any]:
    """One query with all that is shown of it."""
    benchmark = scene.shown
    source = facts.source_of(query)
    right = benchmark.positives[query].tolist()
    numbers = list(dict.fromkeys(one for one in pair if one is not None))
    listings = {one: facts.listing(one, query, MOST) for one in numbers}
    return {
        "here": replace(state, query=benchmark.queries[query].id, look=""),
        "query": Card.of_query(scene, query),
        "labels": facts.slices_of(query),
        "candidates": int(facts.candidates[query]),
        "source": None if source < 0 else Card.of_document(scene, source, source=True),
        "right": [Card.of_document(scene, one, right=True) for one in right],
        "answers": [_answer(scene, facts, query, one, listings, state.k) for one in numbers],
        "ranks": {name: float(facts.rank[i, query]) for i, name in enumerate(facts.systems)},
        "votes": _votes_on(scene, benchmark.queries[query].id),
        **_neighbours(benchmark.queries, found, query, state),
    }


def _answer(scene: Scene, facts: Facts, query: int, system: int, listings: dict[int, Listing | None], k: int) -> Answer:
    listing = listings[system]
    other = next((one for number, one in listings.items() if number != system), None)
    ranks = {} if other is None else {hit.document: hit.rank for hit in (*other.top, *other.right)}

    def card(hit: Hit) -> Card:
        known = f"{ranks[hit.document]:g}" if hit.document in ranks else f"below {MOST}"
        return Card.of_hit(scene, hit, known if other is not None and other.top else "")

    top = None if listing is None else listing.top[:k]
    shown = {hit.document for hit in top or ()}
    further = [] if listing is None else [*listing.right, *([listing.source] if listing.source else [])]
    return Answer(
        number=system,
        name=facts.systems[system],
        rank=float(facts.rank[system, query]),
        optimistic=float(facts.optimistic[system, query]),
        pessimistic=float(facts.pessimistic[system, query]),
        source_ahead=bool(facts.source_ahead[system, query]),
        top=None if top is None else [card(hit) for hit in top],
        below=[card(hit) for hit in sorted(further, key=lambda hit: hit.rank) if hit.document not in shown],
        depth=facts.depth[system],
    )


def _votes_on(scene: Scene, query: str) -> list[Vote]:
    return [] if scene.votes is None else [vote for vote in scene.votes.standing() if vote.query == query]


def _neighbours(items: Any, found: NDArray[np.int64], query: int, state: State) -> dict[str, Any]:
    """Its number in the list, from 1, 0 outside of it; and the states of the queries before and after."""
    places = np.flatnonzero(found == query)
    place = int(places[0]) if len(places) else -1

    def at(number: int) -> State | None:
        if not (len(places) and 0 <= number < len(found)):
            return None
        return replace(state, query=items[int(found[number])].id, sheet=number // SHEET + 1, look="")

    return {"number": place + 1, "before": at(place - 1), "after": at(place + 1)}
