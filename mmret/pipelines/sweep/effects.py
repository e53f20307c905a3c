"""What a change does to a model: the loss in a measure, paired by query, and how far the ranks move."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import RunError, first_ten
from ...evaluation import Measure, Result, Run
from ...evaluation.statistics import Comparison, compare, holm
from ...evaluation.summary import ALL

TOP = 10


@dataclass(frozen=True)
class Stability:
    """How far the ranks of queries move.

    Parameters
    ----------
    same: share of queries whose best right document keeps its rank.
    median, p90: median and 90th percentile of by how many places that rank moves; in a tie it is the expected one.
    overlap: share of the first 10 documents that both lists have, mean over queries. Documents that tie for the last
        of these places share them: each counts by the part of a place that it gets on average.
    """

    same: float
    median: float
    p90: float
    overlap: float


@dataclass(frozen=True)
class Effect:
    """One change, for the queries of one slice.

    Parameters
    ----------
    change: as `Change` prints.
    baseline: what it is compared with, as `Making` prints.
    before, after: the measure without and with the change.
    comparison: after less before, paired by query.
    adjusted: Holm's p over all effects of the sweep.
    """

    change: str
    baseline: str
    slice: str
    queries: int
    before: float
    after: float
    comparison: Comparison
    stability: Stability
    adjusted: float = 1.0

    def describe(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


class Outcome:
    """What of a result is compared: one row a query, and the documents that come first.

    Raises `RunError` for a measure that the result lacks.
    """

    def __init__(self, result: Result, measure: str) -> None:
        table = result.per_query
        table = table[table.protocol == table.protocol.iloc[0]].set_index("query").sort_index()
        if measure not in table:
            raise RunError(f"the result holds no {measure}")
        self.table: pd.DataFrame = table
        self.excluded = frozenset(one["id"] for one in result.record["excluded"]["documents"])
        self.first = dict(_first(result.run))

    @property
    def ranks(self) -> NDArray[np.float64]:
        """Expected rank of each query's best right document, float64 `(queries,)`."""
        return np.asarray(self.table["greater"] + (self.table["tied"] + 1) / 2, np.float64)

    def differs(self, other: Outcome) -> str:
        """Why two outcomes cannot be paired; "" where they can."""
        away = sorted(self.excluded ^ other.excluded)
        if away:
            return f"unusable in one of the two only: {first_ten(away)}"
        return "" if self.table.index.equals(other.table.index) else "not of the same queries"


def effects_of(
    before: Outcome,
    after: Outcome,
    slices: Mapping[str, Sequence[str]],
    *,
    change: str,
    baseline: str,
    measure: str,
    seed: int,
) -> list[Effect]:
    """The effect on all queries and on each slice.

    Parameters
    ----------
    slices: name → ids of its queries; those that were not scored are left out.
    measure: one that both hold.
    """
    overlap = np.array([_overlap(before.first[query], after.first[query]) for query in before.table.index])
    moved = np.abs(after.ranks - before.ranks)
    parsed = Measure.parse(measure)
    found = []
    for label, members in {ALL: before.table.index, **slices}.items():
        chosen = before.table.index.isin(members)
        if not chosen.any():
            continue
        old, new = (one.table[measure].to_numpy(np.float64)[chosen] for one in (before, after))
        clusters = np.unique(before.table["cluster"].to_numpy(str)[chosen], return_inverse=True)[1]
        stability = Stability(
            same=float((moved[chosen] == 0).mean()),
            median=float(np.median(moved[chosen])),
            p90=float(np.quantile(moved[chosen], 0.9)),
            overlap=float(overlap[chosen].mean()),
        )
        comparison = compare(new, old, clusters, aggregate=parsed.aggregation, seed=seed)
        values = parsed.aggregate(old), parsed.aggregate(new)
        found.append(Effect(change, baseline, label, int(chosen.sum()), *values, comparison, stability))
    return found


def adjust(effects: Sequence[Effect]) -> list[Effect]:
    """The effects with p values adjusted for testing all of them."""
    adjusted = holm([one.comparison.p for one in effects])
    return [replace(one, adjusted=p) for one, p in zip(effects, adjusted, strict=True)]


def _first(run: Run) -> Iterable[tuple[str, dict[str, float]]]:
    """Each query with the documents that may be among its first `TOP`, and how probably each is."""
    offsets = run.lists.offsets
    for query, start, stop in zip(run.queries, offsets[:-1], offsets[1:], strict=True):
        scores, positions = run.scores[start:stop], run.lists.positions[start:stop]
        places = min(TOP, len(scores))
        last = np.partition(scores, -places)[-places]
        above, tied = scores > last, scores == last
        share = (places - above.sum()) / tied.sum()
        chosen = {run.documents[i]: 1.0 for i in positions[above].tolist()}
        yield query, chosen | {run.documents[i]: float(share) for i in positions[tied].tolist()}


def _overlap(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    common = sum(min(share, other.get(name, 0.0)) for name, share in one.items())
    return common / sum(one.values())
