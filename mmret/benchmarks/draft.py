"""What a layout's files say, before anything in them is taken for granted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, first_ten
from ..items import Item, Modality
from .base import Benchmark
from .checks import wrong_queries
from .exclusions import Exclusions
from .ragged import Ragged

QUERY_TWICE = "query ids given twice"


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with the labels.

    Parameters
    ----------
    kind: what is wrong, as a phrase.
    query: id of the query that cannot be asked because of it; empty for a fault of a document.
    document: id of the document concerned, if any.
    where: the fault in full, with file and line, where the reader knew them.
    """

    kind: str
    query: str = ""
    document: str = ""
    where: str = ""


@dataclass(frozen=True)
class Draft:
    """Labels as read, in the order of the files; the fields are those of `Benchmark`, save these:

    Parameters
    ----------
    labels: the slices of each query.
    found: faults that the reader met: names of documents that do not exist. Such names are left out of the lists.
    """

    name: str
    version: str
    queries: Sequence[Item]
    documents: Sequence[Item]
    positives: Ragged
    gains: NDArray[np.float64]
    provenance: NDArray[np.str_] | None = None
    galleries: Ragged | None = None
    source: NDArray[np.int32] | None = None
    labels: Sequence[Sequence[str]] = ()
    found: Sequence[Fault] = ()
    needs: frozenset[Modality] = frozenset()
    sound_slices: frozenset[str] = frozenset()
    view: str = ""
    contents: str = ""
    hidden: bool = False
    card: str = ""
    about: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def faults(self) -> list[Fault]:
        """All that is wrong: names that do not exist, ids given twice, labels that contradict each other."""
        named = {fault.query for fault in self.found}
        galleries = None if self.galleries is None else self.galleries.ordered()
        wrong = [
            Fault(f"queries {what}", self.queries[i].id)
            for what, mask in wrong_queries(self.positives, self.gains, galleries, self.source, self.hidden)
            for i in np.flatnonzero(mask).tolist()
            if self.queries[i].id not in named
        ]
        twice = [Fault(QUERY_TWICE, item.id) for item in _later(self.queries)]
        twice += [Fault("document ids given twice", document=item.id) for item in _later(self.documents)]
        return [*self.found, *wrong, *twice]

    def benchmark(self) -> Benchmark:
        """The benchmark without the queries that are faulty; of two items of one id the first one counts."""
        place, documents = _by_id(self.documents)
        bad = {f.query: f.where or f.kind for f in reversed(self.faults) if f.query and f.kind != QUERY_TWICE}
        rows = np.asarray([i for i in _first_by_id(self.queries) if self.queries[i].id not in bad], np.int64)
        if not len(rows):
            raise InputError(f"{self.name}: no query can be asked: {summary(self.faults)}")
        entries = self.positives.entries(rows)
        galleries = self.galleries
        if galleries is not None:
            galleries = galleries.moved(np.zeros(1, np.int64) if len(galleries) == 1 else rows, place)
        return Benchmark(
            name=self.name,
            version=self.version,
            queries=[self.queries[i] for i in rows],
            documents=documents,
            positives=self.positives.moved(rows, place),
            gains=self.gains[entries],
            provenance=None if self.provenance is None else self.provenance[entries],
            galleries=galleries,
            source=None if self.source is None else np.where(self.source < 0, -1, place[self.source])[rows],
            slices=_slices([self.labels[i] for i in rows]) if self.labels else {},
            needs=self.needs,
            sound_slices=self.sound_slices,
            view=self.view,
            contents=self.contents,
            hidden=self.hidden,
            excluded=Exclusions([], [{"id": name, "reason": reason} for name, reason in sorted(bad.items())]),
            card=self.card,
            about=self.about,
        )


def summary(faults: Iterable[Fault]) -> str:
    """The faults by kind, the first ten of each."""
    kinds: dict[str, list[Fault]] = {}
    for fault in faults:
        kinds.setdefault(fault.kind, []).append(fault)
    return "; ".join(
        first_ten([fault.where for fault in some])
        if some[0].where
        else f"{kind}: {first_ten([fault.query or fault.document for fault in some])}"
        for kind, some in kinds.items()
    )


def _first_by_id(items: Sequence[Item]) -> list[int]:
    """Positions of the items in the order of their ids, of each id the first."""
    first: dict[str, int] = {}
    for i, item in enumerate(items):
        first.setdefault(item.id, i)
    return [first[name] for name in sorted(first)]


def _later(items: Sequence[Item]) -> list[Item]:
    """The items whose id an earlier one has."""
    first = set(_first_by_id(items))
    return [item for i, item in enumerate(items) if i not in first]


def _by_id(items: Sequence[Item]) -> tuple[NDArray[np.int32], list[Item]]:
    """Where each item stands once they are in the order of their ids, and the items in that order."""
    order = _first_by_id(items)
    number = {items[i].id: n for n, i in enumerate(order)}
    return np.asarray([number[item.id] for item in items], np.int32), [items[i] for i in order]


def _slices(labels: Sequence[Sequence[str]]) -> dict[str, NDArray[np.int64]]:
    members: dict[str, list[int]] = {}
    for number, some in enumerate(labels):
        for label in some:
            members.setdefault(str(label), []).append(number)
    return {label: np.asarray(members[label], np.int64) for label in sorted(members)}
