"""Labels mended by votes, and what results are worth by them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from ...benchmarks import Benchmark, Ragged
from ...benchmarks.checks import in_gallery
from ...errors import InputError
from ...evaluation import PROTOCOLS, score_run_on
from .answers import Study
from .facts import holds
from .votes import ALSO_RIGHT, Tally, Votes


@dataclass(frozen=True)
class Mended:
    """A benchmark whose labels were mended.

    Parameters
    ----------
    benchmark: with the new labels.
    applied: the changes made.
    outside: the changes that were not: the document is no candidate of the query, or the query was not asked.
    lost: ids of the queries that have no right document left and are asked no more.
    """

    benchmark: Benchmark
    applied: list[Tally]
    outside: list[Tally]
    lost: list[str]


@dataclass(frozen=True)
class Rescored:
    """Figures by the benchmark's own labels and by the mended ones, from the same runs, under one protocol.

    Parameters
    ----------
    applied, outside, lost: see `Mended`.
    old, new: system → slice → `{"n": int, measure: {"value", "low", "high", …}}`, as in a `result.json`.
    """

    protocol: str
    applied: list[Tally]
    outside: list[Tally]
    lost: list[str]
    old: Mapping[str, Any]
    new: Mapping[str, Any]


def mended(benchmark: Benchmark, changes: Sequence[Tally], protocol: str) -> Mended:
    """Apply changes of labels, as far as they concern the candidates of a protocol; a new right document has grade 1.

    Where all documents compete, the galleries are left out of the new benchmark.
    """
    galleries = PROTOCOLS[protocol].candidates(benchmark)
    asked = {item.id: i for i, item in enumerate(benchmark.queries)}
    known = {item.id: i for i, item in enumerate(benchmark.documents)}
    ends = pairwise(benchmark.positives.offsets.tolist())
    grades = [
        dict(zip(right.tolist(), benchmark.gains[first:last].tolist(), strict=True))
        for right, (first, last) in zip(benchmark.positives, ends, strict=True)
    ]
    applied: list[Tally] = []
    outside: list[Tally] = []
    for change in changes:
        query, document = asked.get(change.query, -1), known.get(change.document, -1)
        candidate = query >= 0 and document >= 0 and in_gallery(galleries, np.array([query]), np.array([document]))[0]
        (applied if candidate else outside).append(change)
        if candidate and change.verdict == ALSO_RIGHT:
            grades[query][document] = 1.0
        elif candidate:
            grades[query].pop(document, None)
    kept = np.flatnonzero([bool(one) for one in grades])
    if not len(kept):
        raise InputError("no query has a right document left; withdraw some votes")
    lost = [benchmark.queries[i].id for i, one in enumerate(grades) if not one]
    part = benchmark.subset(kept, np.arange(len(benchmark.documents))) if lost else benchmark
    left = [one for one in grades if one]
    new = replace(
        part,
        positives=Ragged.of([list(one) for one in left]),
        gains=np.asarray([grade for one in left for grade in one.values()], np.float64),
        provenance=None,
        galleries=None if galleries is None else part.galleries,
    )
    return Mended(new, applied, outside, lost)


def rescored(study: Study, votes: Votes, protocol: str, least: int = 1) -> Rescored:
    """Score the runs of a study by its own labels and by those that at least `least` voters mended.

    Raises `InputError` when a run does not hold the candidates of the protocol.
    """
    lacking = [system.name for system in study.systems if not holds(system.result, protocol)]
    if lacking:
        raise InputError(
            f"the run of {', '.join(lacking)} does not hold the candidates of {protocol!r}; "
            f"evaluate with --protocol {protocol} as the first"
        )
    new = mended(study.benchmark, votes.tally(least), protocol)

    def scores(benchmark: Benchmark) -> dict[str, Any]:
        return {
            system.name: score_run_on(
                system.run,
                benchmark,
                protocols=[protocol],
                measures=study.measures,
                missing="zero",
                unknown="ignore",
            ).scores[protocol]
            for system in study.systems
        }

    return Rescored(protocol, new.applied, new.outside, new.lost, scores(study.benchmark), scores(new.benchmark))
