"""How much of a figure could be had without looking: the same benchmark asked with parts of the query covered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..benchmarks import Benchmark, load_benchmark
from ..engines import connected
from ..errors import InputError, RunError
from ..items import Modality
from .evaluate import evaluate
from .measures import Measure
from .results import Result
from .settings import Settings
from .statistics import difference


@dataclass(frozen=True)
class Blind:
    """One way of covering.

    Parameters
    ----------
    name: what is left to see.
    drop: what is taken from the query.
    model: another model that is asked instead; None for the same.
    """

    name: str
    drop: tuple[Modality, ...]
    model: str | None = None


BLIND = (
    Blind("instruction only", ("image", "video", "audio")),
    Blind("source only", ("text",)),
    Blind("text model", (), "text"),
)


def evaluate_with_blind(
    benchmark: Benchmark | str, model: str, settings: Settings | None = None, *, data: Path | None = None, show: bool
) -> Result:
    """Evaluate a model, and how far it, and a model of text alone, get without seeing all of the query.

    The result's record gets an entry `blind`: `{"variants": {name: {"model", "drop", "scores" or "refused"}}, "gain":
    {protocol: {slice: {measure: {"over", "value", "low", "high"}}}}}`, where the gain is over the best of the variants,
    with an interval paired by query.
    """
    settings = settings or Settings()
    if isinstance(benchmark, str):
        benchmark = load_benchmark(benchmark, data, cache=settings.cache)
    benchmark.need_labels()
    with connected(settings.engine, settings.ray_address):  # once for all
        return _with_blind(benchmark, model, settings, show=show)


def _with_blind(benchmark: Benchmark, model: str, settings: Settings, *, show: bool) -> Result:
    result = evaluate(benchmark, model, settings, show=show)
    found: dict[str, Result] = {}
    variants: dict[str, dict[str, Any]] = {}
    for blind in BLIND:
        drop = tuple(dict.fromkeys((*settings.drop, *blind.drop)))
        name = blind.model or model
        variants[blind.name] = {"model": name, "drop": list(drop)}
        try:
            found[blind.name] = evaluate(benchmark, name, replace(settings, drop=drop, cost_items=0), show=show)
        except (InputError, RunError) as error:  # a model that cannot do without the part that is covered
            variants[blind.name]["refused"] = str(error)
        else:
            variants[blind.name]["scores"] = found[blind.name].record["scores"]
    gain = {protocol: _gains(benchmark, result, found, protocol, settings.seed) for protocol in result.record["scores"]}
    return replace(result, record={**result.record, "blind": {"variants": variants, "gain": gain}})


def _gains(
    benchmark: Benchmark, result: Result, blind: Mapping[str, Result], protocol: str, seed: int
) -> dict[str, dict[str, dict[str, Any]]]:
    """For each slice and measure what the model is ahead of the best blind one."""
    measures = [Measure.parse(name) for name in result.measures]
    ids = [item.id for item in benchmark.queries]
    slices = {"all": ids, **{label: [ids[i] for i in members] for label, members in benchmark.slices.items()}}
    own = _table(result, protocol)
    others = {name: _table(one, protocol).reindex(own.index) for name, one in blind.items()}
    gains = {}
    for label, members in slices.items():
        rows = own.index.intersection(members)
        if len(rows) and others:
            gains[label] = {
                str(m): _gain(own.loc[rows], {k: v.loc[rows] for k, v in others.items()}, m, seed) for m in measures
            }
    return gains


def _gain(own: pd.DataFrame, blind: Mapping[str, pd.DataFrame], measure: Measure, seed: int) -> dict[str, Any]:
    column, sign = str(measure), 1 if measure.higher_is_better else -1
    best = max(blind, key=lambda name: sign * measure.aggregate(blind[name][column].to_numpy(np.float64)))
    clusters = np.unique(own["cluster"].to_numpy(str), return_inverse=True)[1]
    effect, low, high = difference(own[column], blind[best][column], clusters, aggregate=measure.aggregation, seed=seed)
    return {"over": best, "value": effect, "low": low, "high": high}


def _table(result: Result, protocol: str) -> pd.DataFrame:
    rows = result.per_query
    return rows[rows["protocol"] == protocol].set_index("query")
