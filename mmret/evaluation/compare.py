"""Compare results: paired tests over the same queries, and which systems cannot be told apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from ..errors import InputError
from .frames import Shown, percent
from .measures import Measure
from .ranking import ALPHA
from .results import Result
from .statistics import Comparison, compare, holm, rank_groups


@dataclass(frozen=True)
class Pair:
    """Two systems: `first` is the better or equal one; `adjusted` is Holm's p over all pairs of the comparison."""

    first: str
    second: str
    comparison: Comparison
    adjusted: float

    @property
    def differ(self) -> bool:
        """Whether they can be told apart."""
        return self.adjusted < ALPHA


@dataclass(frozen=True, repr=False)
class Ranking(Shown):
    """Systems compared under one protocol and measure; it shows itself as tables.

    Parameters
    ----------
    systems: name → value of the measure, best first.
    groups: the groups of each system, 1 for the best; systems that share one cannot be told apart at 5 %.
    pairs: all pairs.

    >>> import mmret
    >>> tables = mmret.load_benchmark("tarvir-mini", view="title=text,content=native")
    >>> results = [mmret.evaluate(tables, name, mmret.Settings(limit=30)) for name in ("random", "bm25")]
    >>> ranking = mmret.compare(*results)
    >>> list(ranking.systems)  # best first
    ['bm25 [title=text,content=native]', 'random [title=text,content=native]']
    >>> ranking.to_frame()[["wins", "ties", "losses"]]
       wins  ties  losses
    0    19    11       0
    """

    protocol: str
    measure: str
    queries: int
    systems: dict[str, float]
    groups: dict[str, list[int]]
    pairs: list[Pair]

    def describe(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    def to_frame(self) -> pd.DataFrame:
        """One row a pair: `first` and `second`, the fields of its `Comparison`, `adjusted` and `differ`."""
        return pd.DataFrame(
            {"first": pair.first, "second": pair.second, **asdict(pair.comparison)}
            | {"adjusted": pair.adjusted, "differ": pair.differ}
            for pair in self.pairs
        )

    def _shown(self) -> tuple[str, list[pd.DataFrame], list[str]]:
        systems = pd.DataFrame(
            {
                "group": [", ".join(map(str, self.groups[name])) for name in self.systems],
                self.measure: [percent(self.measure, value) for value in self.systems.values()],
            },
            index=pd.Index(self.systems, name="system"),
        )
        rows = []
        for pair in self.pairs:
            c = pair.comparison
            effect, low, high = (percent(self.measure, value) for value in (c.effect, c.low, c.high))
            rows.append((f"{effect} [{low}, {high}]", f"{pair.adjusted:.4f}", f"{c.wins}/{c.ties}/{c.losses}"))
        names = pd.MultiIndex.from_tuples([(p.first, p.second) for p in self.pairs], names=["first", "second"])
        pairs = pd.DataFrame(rows, index=names, columns=["difference", "p (Holm)", "win/tie/loss"])
        title = f"{self.measure}, protocol {self.protocol}, {self.queries:,} queries"
        return title, [systems, pairs], ["systems that share a group cannot be told apart (5 %, Holm over all pairs)"]


def compare_results(
    results: Sequence[Result], *, protocol: str | None = None, measure: str = "R@1", seed: int = 0
) -> Ranking:
    """Compare two or more results on the same queries.

    Parameters
    ----------
    protocol: name; by default the first one, which must then be the same for all.
    measure: one that all results hold.
    seed: of the paired randomisation test and the paired bootstrap; equal seeds give equal digits.

    Raises `InputError` saying what differs when the results are of different benchmarks, digests, queries or protocols.
    """
    if len(results) < 2:
        raise InputError("give at least two results to compare")
    for result in results:
        result.need_scores()
    parsed = Measure.parse(measure)
    names = system_names(results)
    refuse_other_ground(results, names)
    protocol = protocol or next(iter(results[0].record["scores"]))
    tables = [_table(result, name, protocol, str(parsed)) for result, name in zip(results, names, strict=True)]
    values = {name: table[str(parsed)].to_numpy(np.float64) for name, table in zip(names, tables, strict=True)}
    clusters = np.unique(tables[0]["cluster"].to_numpy(str), return_inverse=True)[1]
    figure = {name: parsed.aggregate(column) for name, column in values.items()}
    sign = -1 if parsed.higher_is_better else 1
    best_first = sorted(names, key=lambda name: (sign * figure[name], name))
    found = [
        (a, b, compare(values[a], values[b], clusters, aggregate=parsed.aggregation, seed=seed))
        for a, b in combinations(best_first, 2)
    ]
    adjusted = holm([comparison.p for _, _, comparison in found])
    pairs = [Pair(a, b, comparison, p) for (a, b, comparison), p in zip(found, adjusted, strict=True)]
    differ = np.zeros((len(names), len(names)), bool)
    for pair in pairs:
        differ[best_first.index(pair.first), best_first.index(pair.second)] = pair.differ
    groups: dict[str, list[int]] = {name: [] for name in best_first}
    for number, members in enumerate(rank_groups(differ), 1):
        for member in members:
            groups[best_first[member]].append(number)
    return Ranking(protocol, str(parsed), len(tables[0]), {name: figure[name] for name in best_first}, groups, pairs)


def system_names(results: Sequence[Result]) -> list[str]:
    """The models' names with what was dropped and the view, told apart at last by number."""
    names: list[str] = []
    for number, result in enumerate(results, 1):
        model, resolved = result.record["model"], result.record["settings"]["resolved"]
        dropped = "".join(f" −{modality}" for modality in resolved.get("drop", []))
        view = result.record["benchmark"]["view"]
        name = f"{model['name']}{dropped}{f' [{view}]' if view else ''}"
        names.append(name if name not in names else f"{name} ({number})")
    return names


def refuse_other_ground(results: Sequence[Result], names: Sequence[str]) -> None:
    """Raise `InputError` saying what differs when results are not of the same benchmark, queries and media."""
    first = results[0].record
    for result, name in zip(results[1:], names[1:], strict=True):
        parts = {"name": "benchmark", "digest": "benchmark digest", "scored_digest": "set of queries"}
        if first["benchmark"]["view"] == result.record["benchmark"]["view"]:
            parts["media_digest"] = "media"
        for part, words in parts.items():
            a, b = first["benchmark"][part], result.record["benchmark"][part]
            if a != b:
                raise InputError(f"{names[0]} and {name} differ in their {words}: {a} and {b}; they cannot be compared")


def _table(result: Result, name: str, protocol: str, measure: str) -> Any:
    """The rows of one protocol, sorted by query."""
    table = result.per_query[result.per_query.protocol == protocol]
    if table.empty:
        known = ", ".join(result.per_query.protocol.unique())
        raise InputError(f"{name} was not scored under protocol {protocol!r}; it has: {known}")
    if measure not in table:
        raise InputError(f"{name} was not scored by {measure}; run it again with --measure {measure}")
    return table.sort_values("query")
