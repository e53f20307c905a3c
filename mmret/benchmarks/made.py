"""Benchmarks out of what Python holds: lists of items, and dictionaries of ids."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np

from ..errors import InputError, first_ten
from ..items import Item, Modality
from .base import Benchmark
from .draft import Draft, summary
from .ragged import Ragged


def make_benchmark(
    name: str,
    queries: Sequence[Item],
    documents: Sequence[Item],
    qrels: Mapping[str, Mapping[str, float] | Collection[str]],
    *,
    version: str = "1",
    galleries: Mapping[str, Collection[str]] | None = None,
    sources: Mapping[str, str] | None = None,
    slices: Mapping[str, Collection[str]] | None = None,
    needs: Collection[Modality] = (),
) -> Benchmark:
    """A benchmark of one's own, to be given to `evaluate`.

    Parameters
    ----------
    name, version: identity; raise the version when a label changes.
    queries, documents: in any order; ids are unique on each side.
    qrels: for each query its right documents, or documents with grades, of which those above 0 are right.
    galleries: for each query its candidates; all documents unless given.
    sources: for queries that were made from a document, that document.
    slices: label → queries that carry it.
    needs: the modalities without which a document, or a query's source, is no use.

    Raises `InputError` for ids that do not exist or stand twice, and queries without a right document among their
    candidates.

    >>> import mmret
    >>> benchmark = mmret.make_benchmark(
    ...     "mine",
    ...     queries=[mmret.Item("q1", text="a dog barks"), mmret.Item("q2", text="rain")],
    ...     documents=[mmret.Item("d1", text="rain on a roof"), mmret.Item("d2", text="the dog barks at night")],
    ...     qrels={"q1": ["d2"], "q2": {"d1": 2}},
    ... )
    >>> mmret.evaluate(benchmark, "bm25")["R@1"]
    1.0
    """
    galleries, sources = galleries or {}, sources or {}
    slices = {label: frozenset(members) for label, members in (slices or {}).items()}
    grades = {query: _grades(right) for query, right in qrels.items()}
    asked, place = {item.id for item in queries}, {item.id: number for number, item in enumerate(documents)}
    for what, names in {"qrels": qrels, "galleries": galleries, "sources": sources, "slices": _all(slices)}.items():
        _refuse_strange(what, "query", names, asked)
    named = {"qrels": _all(grades), "galleries": _all(galleries), "sources": sources.values()}
    for what, names in named.items():
        _refuse_strange(what, "document", names, place)
    right = [grades.get(item.id, {}) for item in queries]
    draft = Draft(
        name=name,
        version=version,
        queries=queries,
        documents=documents,
        positives=Ragged.of([[place[one] for one in some] for some in right]),
        gains=np.asarray([grade for some in right for grade in some.values()], np.float64),
        galleries=Ragged.of([[place[one] for one in galleries.get(item.id, ())] for item in queries])
        if galleries
        else None,
        source=np.asarray([place.get(sources.get(item.id, ""), -1) for item in queries], np.int32) if sources else None,
        labels=[[label for label, members in slices.items() if item.id in members] for item in queries],
        needs=frozenset(needs),
    )
    if draft.faults:
        raise InputError(f"{name}: {summary(draft.faults)}")
    return draft.benchmark()


def _grades(right: Mapping[str, float] | Collection[str]) -> Mapping[str, float]:
    """Document → grade; those graded 0 and below were judged and are wrong."""
    if isinstance(right, Mapping):
        return {document: grade for document, grade in right.items() if not grade <= 0}  # NaN stays and is refused
    return dict.fromkeys(right, 1.0)


def _all(lists: Mapping[str, Iterable[str]]) -> list[str]:
    return [name for some in lists.values() for name in some]


def _refuse_strange(what: str, kind: str, names: Iterable[str], known: Collection[str]) -> None:
    """Raise `InputError` for names that no query, or no document, has."""
    strange = [name for name in names if name not in known]
    if strange:
        raise InputError(f"{what}: no {kind} has the id {first_ten(strange)}")
