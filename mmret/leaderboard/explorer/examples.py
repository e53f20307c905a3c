"""Single queries as a page shows them: what was asked, what is right, and what each system put first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...benchmarks import Benchmark
from ...errors import InputError
from ...items import Item
from ...media.excerpts import Want
from .answers import Study
from .facts import Facts, Hit
from .summaries import Telling

TOP = 5  # documents shown of each answer
RIGHT = 3  # right documents shown of each query
PICTURES = "title=text,content=image"  # the view in which tables are shown


@dataclass(frozen=True)
class Card:
    """A query or document to be shown.

    Parameters
    ----------
    item: what it is.
    wants: its media.
    hit: its place in a system's answer; None for queries and for right documents.
    """

    item: Item
    wants: list[Want]
    hit: Hit | None = None


@dataclass(frozen=True)
class Answer:
    """What a system answered.

    Parameters
    ----------
    system: its name.
    rank, optimistic, pessimistic: of the best right document; infinite where it was not retrieved.
    top: the first documents of its run; None where the run does not hold this protocol's candidates.
    """

    system: str
    rank: float
    optimistic: float
    pessimistic: float
    top: list[Card] | None


@dataclass(frozen=True)
class Example:
    """A telling query with all that is shown of it.

    Parameters
    ----------
    slices: those that it is in.
    source: id of the document it was made from, "" for none.
    right: the first right documents, of `all_right`.
    """

    telling: Telling
    slices: list[str]
    candidates: int
    query: Card
    source: str
    right: list[Card]
    all_right: int
    answers: list[Answer]

    @property
    def wants(self) -> Iterator[Want]:
        """All its media, once for each place where they are shown, the most important first."""
        for card in (self.query, *self.right, *(card for answer in self.answers for card in answer.top or ())):
            yield from card.wants


def examples_of(study: Study, facts: Facts, chosen: Sequence[Telling]) -> list[Example]:
    """The chosen queries with their documents; tables are shown as pictures where there are any."""
    shown = pictured(study)
    return [_example(facts, shown, one) for one in chosen]


def pictured(study: Study) -> Benchmark:
    """The benchmark with its tables as pictures where there are any."""
    if not study.benchmark.view:
        return study.benchmark
    try:
        return study.in_view(PICTURES)
    except InputError:  # a benchmark of tables as text alone
        return study.benchmark


def _example(facts: Facts, shown: Benchmark, telling: Telling) -> Example:
    query = telling.query
    right = shown.positives[query].tolist()
    source = facts.source_of(query)
    return Example(
        telling=telling,
        slices=facts.slices_of(query),
        candidates=int(facts.candidates[query]),
        query=Card(shown.queries[query], Want.of(shown.queries[query], play=True)),
        source="" if source < 0 else shown.documents[source].id,
        right=[Card(one := shown.documents[i], Want.of(one, play=True)) for i in right[:RIGHT]],
        all_right=len(right),
        answers=[_answer(facts, shown, system, query) for system in range(len(facts.systems))],
    )


def _answer(facts: Facts, shown: Benchmark, system: int, query: int) -> Answer:
    listing = facts.listing(system, query, TOP)
    return Answer(
        system=facts.systems[system],
        rank=float(facts.rank[system, query]),
        optimistic=float(facts.optimistic[system, query]),
        pessimistic=float(facts.pessimistic[system, query]),
        top=None if listing is None else [_hit(shown, hit, first=i == 0) for i, hit in enumerate(listing.top)],
    )


def _hit(shown: Benchmark, hit: Hit, *, first: bool) -> Card:
    """What is first plays, unless it plays already as the source or as a right document."""
    item = shown.documents[hit.document]
    return Card(item, Want.of(item, play=first and not (hit.right or hit.source)), hit)
