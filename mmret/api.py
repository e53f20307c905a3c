"""What the public face adds to the rooms: names and files where they ask for objects, and their lists as tables."""

from __future__ import annotations

import weakref
from collections.abc import Sequence

import pandas as pd

from .benchmarks import Benchmark, benchmarks, load_benchmark
from .encoders import Encoder, Memory, PairScorer, create_encoder, encoders, lacking
from .errors import InputError
from .evaluation import (
    Galleries,
    Labels,
    Ranking,
    Result,
    Run,
    RunScores,
    Settings,
    compare_results,
    load_result,
    read_run,
    score_run_on,
)
from .evaluation import score_run as score_run_by
from .evaluation.devices import resolve_device
from .evaluation.score_run import Missing, Unknown
from .media import Workers
from .meter import Meter
from .paths import StrPath

_OF_ENCODERS = ["summary", "query", "document", "track", "scoring", "parameters", "download_mb", "licence"]


def compare(*results: Result | StrPath, protocol: str | None = None, measure: str = "R@1", seed: int = 0) -> Ranking:
    """Compare two or more results on the same queries: paired tests, effects, and who cannot be told apart.

    Parameters
    ----------
    results: results, or the folders that hold them.
    protocol, measure, seed: as for `mmret.evaluation.compare_results`.

    Raises `InputError` saying what differs when the results are of different benchmarks, queries or protocols.

    >>> import mmret
    >>> tables = mmret.load_benchmark("tarvir-mini", view="title=text,content=native")
    >>> bm25 = mmret.evaluate(tables, "bm25", mmret.Settings(limit=30))
    >>> chance = mmret.evaluate(tables, "random", mmret.Settings(limit=30))
    >>> mmret.compare(bm25, chance)
    R@1, protocol global, 30 queries
                                       group   R@1
    system
    bm25 [title=text,content=native]       1  61.7
    random [title=text,content=native]     2   0.0
    ...
    systems that share a group cannot be told apart (5 %, Holm over all pairs)
    """
    loaded = [one if isinstance(one, Result) else load_result(one) for one in results]
    return compare_results(loaded, protocol=protocol, measure=measure, seed=seed)


def score_run(
    run: Run | StrPath,
    labels: Benchmark | Labels | StrPath,
    *,
    protocols: Sequence[str] | None = None,
    galleries: Galleries | None = None,
    measures: Sequence[str] | None = None,
    missing: Missing = "error",
    unknown: Unknown = "error",
    seed: int = 0,
) -> RunScores:
    """Score a run of any system.

    Parameters
    ----------
    run: a run, or its file.
    labels: a benchmark, its name or its folder, which gives the figures of `evaluate`; or judgements, see `read_qrels`.
    protocols: of a benchmark; by default those that a run can be scored under.
    galleries: the candidates, beside judgements; a benchmark has its own.
    measures, missing, unknown, seed: as for `mmret.evaluation.score_run`.

    Raises `InputError` with the first ten offenders where the run and the labels do not fit.

    >>> import mmret
    >>> tables = mmret.load_benchmark("tarvir-mini", view="title=text,content=native")
    >>> mmret.write_run(mmret.evaluate(tables, "bm25").run, "run.txt")
    >>> mmret.score_run("run.txt", tables, measures=["R@10"])
    a run, scored
                                 n              R@10
    protocol slice
    global   all               247  ...
    ...
    """
    run = run if isinstance(run, Run) else read_run(run)
    if isinstance(labels, Labels):
        if protocols is not None:
            raise InputError("judgements have no protocols: leave them out, or score against a benchmark")
        return score_run_by(
            run, labels, galleries=galleries, measures=measures, missing=missing, unknown=unknown, seed=seed
        )
    if galleries is not None:
        raise InputError("a benchmark has galleries of its own: leave them out, and name protocols")
    benchmark = labels if isinstance(labels, Benchmark) else load_benchmark(labels)
    return score_run_on(
        run, benchmark, protocols=protocols, measures=measures, missing=missing, unknown=unknown, seed=seed
    )


def load_encoder(name: str, settings: Settings | None = None) -> Encoder | PairScorer:
    """A model, to be asked outside of an evaluation.

    Parameters
    ----------
    name: a registered name, with what stands behind its colon.
    settings: its device, choices, frames and the like; `Settings()` unless given.

    An `Encoder` has `embed`, a `PairScorer` `score`. Media are decoded in processes that end with the model.

    Raises `InputError` for a name that is unknown or packages that are not installed.

    >>> import mmret
    >>> encoder = mmret.load_encoder("random")
    >>> items = [mmret.Item("a", text="a dog barks"), mmret.Item("b", text="rain on a roof")]
    >>> encoder.embed(items, "query").shape
    (2, 64)
    """
    settings = settings or Settings()
    workers = Workers(settings.workers, settings.time_limit)
    device = resolve_device(settings.device, name)
    model = create_encoder(name, settings.options(workers, device, Meter(), Memory()))
    weakref.finalize(model, workers.close)
    return model


def list_benchmarks() -> pd.DataFrame:
    """The benchmarks that can be named: `summary`, by name.

    >>> import mmret
    >>> "omnicvr-mini" in mmret.list_benchmarks().index
    True
    """
    known = benchmarks()
    return pd.DataFrame({"summary": [one.summary for one in known.values()]}, index=pd.Index(known, name="benchmark"))


def list_encoders() -> pd.DataFrame:
    """The models that can be named, by name: of their `Spec` what decides a choice, and what is `lacking` to run here.

    >>> import mmret
    >>> models = mmret.list_encoders()
    >>> models.loc["bm25", ["scoring", "licence", "lacking"]].to_list()
    ['pairs', 'Apache-2.0 AND MIT', '']
    """
    specs = [cls.spec for cls in encoders().values()]
    table = pd.DataFrame([spec.describe() | {"lacking": lacking(spec)} for spec in specs]).set_index("name")
    return table[[*_OF_ENCODERS, "lacking"]].rename_axis("encoder")
