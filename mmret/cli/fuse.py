"""`mmret fuse` and `mmret rerank`: one system out of several, side by side or one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ..errors import InputError
from .common import (
    BenchOption,
    Cache,
    Choices,
    Data,
    Device,
    Dtype,
    FieldMap,
    Json,
    Measures,
    ModelOption,
    Split,
    View,
    benchmark_names,
    choices_of,
    new_table,
    note,
    show,
    show_json,
)
from .runs import Missing

if TYPE_CHECKING:
    from rich.table import Table

    from ..evaluation import Run
    from ..evaluation.aligned import Aligned
    from ..evaluation.fusion import Scaling
    from ..evaluation.rerank import Reranked


def fuse(
    runs: Annotated[list[Path], typer.Argument(help="Two or more runs: files, or output folders of `mmret eval`.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The fused run: .parquet, or TREC's text, .gz too.")],
    method: Annotated[
        Literal["rrf", "weighted", "routed"], typer.Option(help="Reciprocal ranks, sum of scores, or one run a query.")
    ] = "rrf",
    k: Annotated[float, typer.Option(help="Of the reciprocal ranks 1 / (k + rank).")] = 60.0,
    normalise: Annotated[Literal["minmax", "z"], typer.Option(help="Scale of summed scores.")] = "minmax",
    weights: Annotated[str | None, typer.Option(help="One a run, such as 0.7,0.3. Default: all alike.")] = None,
    learn: Annotated[
        Path | None, typer.Option(help="Judgements of queries to learn weights from; the fused run leaves these out.")
    ] = None,
    measure: Annotated[str, typer.Option(help="What --learn raises.")] = "nDCG@10",
    rules: Annotated[
        str | None,
        typer.Option("--route", help="Rule: margin, or slices and numbers of runs, from 0: area:hard=1,default=0."),
    ] = None,
    bench: Annotated[
        str | None,
        typer.Option("--bench", "-b", help="The benchmark whose slices --route names.", autocompletion=benchmark_names),
    ] = None,
    data: Data = None,
    missing: Annotated[
        Missing, typer.Option(help="Refuse runs that lack queries, or take them as answered by nothing.")
    ] = "error",
) -> None:
    """Fuse runs into one, by reciprocal ranks, by summed scores, or routed by query; `mmret score` scores it."""
    from ..evaluation import write_run
    from ..evaluation.aligned import Aligned, run_at
    from ..evaluation.fusion import Scaling

    if len(runs) < 2:
        raise InputError("give at least two runs to fuse")
    if (rules is not None) != (method == "routed"):
        raise InputError("--method routed needs --route margin or --route LABEL=NUMBER,…, and no other method takes it")
    if weights is not None and (learn is not None or method == "routed"):
        raise InputError("--weights goes neither with --learn nor with --method routed")
    if learn is not None and method == "routed":
        raise InputError("--learn finds weights, which --method routed has none of")
    aligned = Aligned.of([run_at(path) for path in runs], [str(path) for path in runs], missing=missing)
    if rules is not None:
        fused = _routed(aligned, rules, bench, data)
    else:
        scaling = Scaling("rrf" if method == "rrf" else normalise, k)
        fused = _summed(aligned, scaling, weights, learn, measure)
    write_run(fused, output, tag=f"fused-{method}")
    note(f"written: {output}, {len(fused.queries)} queries")


def _summed(aligned: Aligned, scaling: Scaling, weights: str | None, learn: Path | None, measure: str) -> Run:
    from ..evaluation import read_qrels
    from ..evaluation.fusion import fuse as fuse_runs
    from ..evaluation.fusion import learn_weights

    if learn is None:
        return fuse_runs(aligned, scaling, None if weights is None else _numbers(weights))
    labels = read_qrels(learn)
    learned = learn_weights(aligned, scaling, labels, measure)
    rest = aligned.without(labels.queries)
    note(
        f"learned on {len(learned.queries)} queries of {learn}: {measure} {100 * learned.value:.1f} with weights "
        + ", ".join(f"{weight:g} {name}" for weight, name in zip(learned.weights, aligned.names, strict=True))
    )
    note(f"fused: the other {len(rest.queries)} queries, which nothing was learned from")
    return fuse_runs(rest, scaling, learned.weights)


def _routed(aligned: Aligned, rules: str, bench: str | None, data: Path | None) -> Run:
    from ..benchmarks import load_benchmark
    from ..evaluation.fusion import by_margin, by_slice, route

    if rules == "margin":
        choice = by_margin(aligned)
    elif bench is None:
        raise InputError("--route by slices needs the benchmark that has them: --bench NAME")
    else:
        choice = by_slice(aligned, load_benchmark(bench, data), dict(_rule(text) for text in rules.split(",")))
    for number, name in enumerate(aligned.names):
        note(f"{name}: answers {int((choice == number).sum())} queries")
    return route(aligned, choice)


def _rule(text: str) -> tuple[str, int]:
    label, _, number = text.strip().rpartition("=")
    if not label or not number.isdecimal():
        raise InputError(f"--route takes margin or LABEL=NUMBER,…, not {text!r}")
    return label, int(number)


def _numbers(text: str) -> list[float]:
    try:
        return [float(number) for number in text.split(",")]
    except ValueError:
        raise InputError(f"--weights takes numbers such as 0.7,0.3, not {text!r}") from None


def rerank(
    run: Annotated[Path, typer.Option(help="The first stage: a run file, or an output folder of `mmret eval`.")],
    model: ModelOption,
    bench: BenchOption,
    output: Annotated[Path, typer.Option("--output", "-o", help="The new run: .parquet, or TREC's text, .gz too.")],
    k: Annotated[
        int, typer.Option("-k", help="Documents reranked of each query, and those that tie with the last of them.")
    ] = 100,
    data: Data = None,
    view: View = None,
    field_map: FieldMap = None,
    split: Split = None,
    choose: Choices = None,
    measure: Measures = None,
    batch_size: Annotated[int, typer.Option(help="Items embedded, or queries scored, at a time.")] = 16,
    device: Device = "auto",
    dtype: Dtype = "float32",
    seed: Annotated[int, typer.Option(help="Seed of random encoders, tests and intervals.")] = 0,
    cache: Cache = None,
    as_json: Json = False,
) -> None:
    """Put the top of a run in order by a second scorer, and show what each stage and a perfect one reach."""
    from ..benchmarks import load_benchmark
    from ..evaluation import Settings, load_result, write_run
    from ..evaluation.aligned import run_at
    from ..evaluation.rerank import rerank as rerank_run

    settings = Settings(
        measures=tuple(measure) if measure else None,
        batch_size=batch_size,
        device=device,
        dtype=dtype,
        choices=choices_of(choose),
        seed=seed,
        cache=cache,
    )
    benchmark = load_benchmark(bench, data, cache=cache, view=view, field_map=field_map, split=split)
    found = rerank_run(run_at(run), str(run), benchmark, model, k, settings, show=True)
    first = load_result(run).record if run.is_dir() else None
    write_run(found.run, output, tag=model)
    if as_json:
        show_json(found.describe() | {"cost": {"first": first and first["cost"], "second": found.cost}})
    else:
        show(_stages(found, f"{run}, its top {k} reranked by {model}: {benchmark.name} {benchmark.version}"))
        note(f"reranked: {found.candidates.mean():.1f} documents a query, at most {found.candidates.max():,}")
        for name, cost in (("first stage", first and first["cost"]), ("second stage", found.cost)):
            note(f"{name}: {_seconds(cost)}")
    note(f"written: {output}")


def _stages(found: Reranked, title: str) -> Table:
    """Measure × stage, with the difference that the second one makes."""
    from ..evaluation.frames import percent

    table = new_table(
        ("measure", "first", "reranked", "ceiling", "difference", "95 %", "p", "win/tie/loss"),
        ("measure",),
        title=f"{title}\nprotocol {found.protocol}, all queries, percent",
        caption=f"{100 * found.recall:.1f} % of the right documents are among those reranked; ceiling: these in the "
        "best order; p: paired randomisation, by source; MedR and MeanR are ranks",
    )
    for name, one in found.comparisons.items():
        values = [
            found.scores[stage][found.protocol]["all"][name]["value"] for stage in ("first", "reranked", "ceiling")
        ]
        texts = [percent(name, value) for value in (*values, one.effect, one.low, one.high)]
        counts = f"{one.wins}/{one.ties}/{one.losses}"
        table.add_row(name, *texts[:4], f"{texts[4]} to {texts[5]}", f"{one.p:.4f}", counts)
    return table


def _seconds(cost: Mapping[str, Any] | None) -> str:
    """The stages of a `result.json`'s cost in a line."""
    if cost is None:
        return "its cost is unknown; name the output folder of `mmret eval` in place of a run file"
    return ", ".join(f"{name} {one['seconds']:.2f} s for {one['items']:,}" for name, one in cost["stages"].items())
