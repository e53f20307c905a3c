"""Chosen submissions side by side: their figures, and paired differences where values of single queries may be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from pathlib import Path

import numpy as np
from markupsafe import Markup

from ....errors import InputError
from ....evaluation.compare import Pair
from ....evaluation.measures import Measure
from ....evaluation.statistics import Comparison, compare, holm
from ....evaluation.summary import ALL
from ...board import Board
from ...board.database import Score, State, Submission
from ...board.values import load_clusters, load_values
from .charts import by_slice
from .plots import bars
from .query import Query
from .render import html, unit
from .submission import slices_of

MOST = 4  # systems, of which each pair is compared
SAMPLES = 2_000  # of the bootstrap and the randomisation test: a visitor waits for them


@dataclass(frozen=True)
class System:
    """A submission in the comparison, with its score of each slice that has one."""

    submission: Submission
    name: str
    scores: Mapping[str, Score]


def comparison(board: Board, query: Query) -> Markup:
    """The page of the submissions that the address names.

    Raises `InputError` unless they are two to four ranked ones of one benchmark.
    """
    identities = query.texts("id")
    if not 2 <= len(identities) <= MOST:
        raise InputError(f"choose two to {MOST} rows of one table to compare, not {len(identities)}")
    with board.reading() as session:
        found = [one for identity in identities if (one := session.get(Submission, identity)) is not None]
        if len(found) < len(identities) or any(one.state is not State.verified for one in found):
            raise InputError("only submissions that are ranked can be compared; choose them in their table")
        benchmark = found[0].benchmark
        if any(one.benchmark_id != benchmark.id for one in found):
            raise InputError("submissions of different benchmarks cannot be compared")
        protocol = query.one("protocol", benchmark.protocols, benchmark.main_protocol)
        measure = query.one("measure", benchmark.measures, benchmark.main_measure)
        systems = [_system(one, protocol, measure) for one in found]
    if all(ALL in one.scores for one in systems):
        systems.sort(key=lambda one: one.scores[ALL].value, reverse=Measure.parse(measure).higher_is_better)
    slices = [name for name in slices_of(benchmark) if any(name in one.scores for one in systems)]
    groups = by_slice([one.scores for one in systems], slices, measure)
    return html(
        "compare.html",
        benchmark=benchmark,
        protocol=protocol,
        measure=measure,
        slices=slices,
        systems=systems,
        pairs=[] if benchmark.hidden else _pairs(board, systems, protocol, measure),
        samples=SAMPLES,
        plot=bars("slices", f"{measure} by slice", [one.name for one in systems], groups, measure + unit(measure)),
    )


def _system(submission: Submission, protocol: str, measure: str) -> System:
    found = {one.slice: one for one in submission.scores if (one.protocol, one.measure) == (protocol, measure)}
    return System(submission, f"{submission.description['model']['name']} ({submission.team.name})", found)


def _pairs(board: Board, systems: Sequence[System], protocol: str, measure: str) -> list[Pair]:
    paths = [board.private.path(one.submission.values_digest or "") for one in systems]
    chosen = list(combinations(range(len(systems)), 2))
    found = [_compared(paths[i], paths[j], protocol, measure) for i, j in chosen]
    adjusted = holm([one.p for one in found])
    return [
        Pair(systems[i].name, systems[j].name, one, p) for (i, j), one, p in zip(chosen, found, adjusted, strict=True)
    ]


@lru_cache(maxsize=4096)
def _compared(first: Path, second: Path, protocol: str, measure: str) -> Comparison:
    """Kept, because files named by their content never change."""
    a, b = (load_values(path, protocol, measure) for path in (first, second))
    known = ~np.isnan(a)
    return compare(
        a[known], b[known], load_clusters(first)[known], aggregate=Measure.parse(measure).aggregation, samples=SAMPLES
    )
