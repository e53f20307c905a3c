"""The main job: a benchmark and an encoder in, a result out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from ..benchmarks import Benchmark, load_benchmark
from ..encoders import Encoder, Model, PairScorer, fingerprint
from ..items import Side
from ..meter import Meter, peak_rss_mb
from ..paths import StrPath
from .devices import device_name, peak_device_mb
from .embedding import Embedded, embed_sides
from .modalities import cut_warnings
from .pairs import index, pair_answers
from .prepare import Prepared, prepared
from .protocols import Protocol, protocols_of
from .results import SCHEMA, Result, environment
from .runs import run_of
from .scoring import DEPTH, Answers, vector_answers
from .settings import Settings
from .summary import summaries_of, usual_measures

_HIDDEN = "the labels are hidden, so nothing was scored; pack the run for a leaderboard: mmret submit pack DIR"


def evaluate(
    benchmark: Benchmark | StrPath,
    model: str | Encoder | PairScorer,
    settings: Settings | None = None,
    *,
    data: StrPath | None = None,
    show: bool = False,
) -> Result:
    """Evaluate a model on a benchmark.

    Parameters
    ----------
    benchmark: a benchmark, its registered name, or the folder that holds it.
    model: a registered name, or a model of your own, whose vectors are not kept: nobody can know whether its weights
        will be the same the next time. Where it stands is its own affair; `Settings.device` says it, for the record.
    settings: how; `Settings()` unless given.
    data: folder of a named benchmark's data, where it is not the one shipped.
    show: progress bars.

    Raises `InputError` for names, files or settings that are wrong, and `RunError` where the media or the model's
    answers cannot be used.

    >>> import mmret
    >>> tables = mmret.load_benchmark("tarvir-mini", view="title=text,content=native")
    >>> result = mmret.evaluate(tables, "bm25", mmret.Settings(limit=30, measures=["R@1", "R@10"]))
    >>> result
    bm25 on tarvir-mini 1: 30 queries, 321 documents
                                n                 R@1                R@10
    protocol slice
    global   all               30    61.7 [43.3–76.7]    90.0 [74.4–96.5]
    ...
             (all, by chance)                     0.3                 3.1
    percent with 95 % interval; MedR and MeanR are ranks
    view: title=text,content=native
    """
    settings = settings or Settings()
    if not isinstance(benchmark, Benchmark):
        benchmark = load_benchmark(benchmark, data, cache=settings.cache)
    whole = benchmark
    protocols, measures = protocols_of(whole, settings.protocols), settings.measures or usual_measures(whole)
    with prepared(whole, model, protocols, settings, show=show) as ready:
        made, scored, meter = ready.model, ready.scored, ready.meter
        if isinstance(made, PairScorer):
            unusable = {one["id"] for one in ready.excluded.documents}
            index(made, [item for item in whole.documents if item.id not in unusable], meter)
        answers, embedded = _answer(ready, protocols, settings, show=show)
    with meter.stage("score"):
        summaries = {} if whole.hidden else summaries_of(scored, answers.standings, measures, settings.seed)
        run = run_of(scored, protocols[0], answers.scores, answers.best)
    record = {
        "schema": SCHEMA,
        "benchmark": _benchmark_entry(whole, scored),
        "model": _model_entry(made, embedded.costs),
        "settings": settings.record(
            protocols, measures, made, ready.device, ready.replicas, made=not isinstance(model, str)
        ),
        "scores": {name: summary.scores for name, summary in summaries.items()},
        "ties": {name: summary.ties for name, summary in summaries.items()},
        "cost": _cost_entry(meter, embedded, ready.device),
        "excluded": asdict(ready.excluded),
        "cut": embedded.cut,
        "run_depth": None if answers.best is None else DEPTH,
        "warnings": [
            *ready.warnings,
            *embedded.warnings,
            *cut_warnings(made, embedded.cut),
            *([_HIDDEN] if whole.hidden else []),
        ],
        "environment": environment(made.spec.packages),
    }
    tables = [summary.per_query for summary in summaries.values()] or [pd.DataFrame(columns=["protocol", "query"])]
    return Result(record, pd.concat(tables, ignore_index=True), run)


def _answer(
    ready: Prepared, protocols: Sequence[Protocol], settings: Settings, *, show: bool
) -> tuple[Answers, Embedded]:
    """What the model makes of the queries: by its own scores, or by vectors, which go through the store."""
    model, room, meter = ready.model, settings.max_memory, ready.meter
    if isinstance(model, PairScorer):
        size = settings.batch_size
        answers = pair_answers(
            model, ready.scored, protocols, ready.queries, batch_size=size, max_bytes=room, meter=meter, show=show
        )
        return answers, Embedded({}, {}, {})
    made = embed_sides(
        ready.replica(model),
        ready.sides,
        ready.store,
        batch_size=settings.batch_size,
        cost_items=settings.cost_items,
        device=device_name(ready.device),
        show=show,
        crew=ready.crew,
    )
    vectors = made.vectors
    with meter.stage("score", items=len(ready.queries)):
        answers = vector_answers(ready.scored, protocols, vectors["query"], vectors["document"], room)
    return answers, made


def _benchmark_entry(whole: Benchmark, scored: Benchmark) -> dict[str, Any]:
    """`digest` is that of the whole benchmark, `scored_digest` of the queries and documents left to score.

    `ground_digest` is the one of the whole without its labels, by which a board knows what a run was made for.

    `media_digest` is that of the media of the latter, which the view decides too.
    """
    return {
        "name": whole.name,
        "version": whole.version,
        "digest": whole.digest,
        "ground_digest": whole.ground_digest,
        "scored_digest": scored.digest,
        "media_digest": scored.media_digest,
        "queries": len(scored.queries),
        "documents": len(scored.documents),
        "view": whole.view,
        "hidden": whole.hidden,
    }


def _cost_entry(meter: Meter, embedded: Embedded, device: str) -> dict[str, Any]:
    return {
        "stages": meter.report(),
        "elsewhere": meter.report_elsewhere(),
        "item": embedded.costs,
        "peak_rss_mb": peak_rss_mb(),
        "peak_device_mb": embedded.peak_device_mb or peak_device_mb(device),
        "device": device_name(device),
    }


def _model_entry(model: Model, costs: Mapping[Side, Mapping[str, Any]]) -> dict[str, Any]:
    """The spec; how many weights a model has may be known only from when it was last loaded."""
    described = model.spec.describe()
    described["parameters"] = described["parameters"] or max((c["parameters"] for c in costs.values()), default=0)
    modalities = {side: described.pop(side) for side in ("query", "document")}
    return described | {"modalities": modalities, "fingerprint": fingerprint(model)}
