"""Runs and results: score, convert, compare, export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from .common import A_BENCHMARK, Data, Json, Measures, benchmark_names, note, show, show_json, write

Missing = Literal["error", "zero"]
"""What is done about judged queries that a run lacks."""


def score(
    run: Annotated[Path, typer.Option(help="Run: Parquet (query, document, score) or TREC's six columns, .gz too.")],
    qrels: Annotated[
        Path | None, typer.Option(help="Judgements: TREC's four columns, BEIR's three, or Parquet.")
    ] = None,
    gallery: Annotated[
        Path | None, typer.Option(help="Candidates, beside --qrels: query-id and corpus-ids, Parquet or JSON lines.")
    ] = None,
    bench: Annotated[
        str | None,
        typer.Option("--bench", "-b", help=f"In place of --qrels. {A_BENCHMARK}", autocompletion=benchmark_names),
    ] = None,
    data: Data = None,
    protocol: Annotated[
        list[str] | None, typer.Option(help="Protocol of the benchmark; repeat for several. Default: those of a run.")
    ] = None,
    measure: Measures = None,
    missing: Annotated[Missing, typer.Option(help="Refuse a run that lacks queries, or count 0.")] = "error",
    unknown: Annotated[
        Literal["error", "ignore"], typer.Option(help="Refuse queries not judged, or ignore them.")
    ] = "error",
    per_query: Annotated[Path | None, typer.Option(help="Write each query's values here, CSV.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the intervals.")] = 0,
    as_json: Json = False,
) -> None:
    """Score a run file against judgements or a benchmark."""
    from ..benchmarks import load_benchmark
    from ..errors import InputError
    from ..evaluation import read_galleries, read_qrels, read_run, score_run, score_run_on
    from .tables import measures_table, scores_table

    if (qrels is None) == (bench is None):
        raise InputError("give either --qrels FILE or --bench NAME: a benchmark has judgements of its own")
    if qrels is None and gallery is not None:
        raise InputError("--gallery goes with --qrels: a benchmark has galleries of its own; see --protocol")
    if bench is None and (data is not None or protocol):
        raise InputError("--data and --protocol go with --bench, not with --qrels")
    if bench is not None:
        benchmark = load_benchmark(bench, data)
        scored = score_run_on(
            read_run(run),
            benchmark,
            protocols=protocol or None,
            measures=measure or None,
            missing=missing,
            unknown=unknown,
            seed=seed,
        )
        table = scores_table(scored.scores, f"{run} on {benchmark.name} {benchmark.version}")
    elif qrels is not None:
        labels = read_qrels(qrels)
        scored = score_run(
            read_run(run),
            labels,
            galleries=None if gallery is None else read_galleries(gallery),
            measures=measure or None,
            missing=missing,
            unknown=unknown,
            seed=seed,
        )
        table = measures_table(scored.scores)
        if labels.without:
            note(f"{len(labels.without)} judged queries have no right document and no value")
    if scored.unknown:
        note(f"{scored.unknown} queries of the run are not judged and were left out")
    if scored.missing:
        note(f"{len(scored.missing)} judged queries are missing in the run and count 0")
    for name, share in scored.unlisted.items():
        note(f"{name}: the run does not list {share:.1%} of the candidates; they count as placed behind the others")
    if per_query is not None:
        write(per_query, [scored.per_query.to_csv(index=False)])
    show_json(scored.describe()) if as_json else show(table)


def convert(
    run: Annotated[Path, typer.Argument(help="The run to read.")],
    target: Annotated[Path, typer.Argument(help="The run to write: .parquet, or TREC's text, .gz too.")],
    tag: Annotated[str, typer.Option(help="Name of the system in TREC's last column.")] = "mmret",
) -> None:
    """Convert a run between Parquet and TREC's six columns."""
    from ..evaluation import read_run, write_run

    write_run(read_run(run), target, tag)


def compare(
    results: Annotated[list[Path], typer.Argument(help="Two or more output folders of `mmret eval`.")],
    protocol: Annotated[str | None, typer.Option(help="Protocol. Default: the first one scored.")] = None,
    measure: Annotated[str, typer.Option(help="Measure that all results hold.")] = "R@1",
    seed: Annotated[int, typer.Option(help="Seed of the tests.")] = 0,
    as_json: Json = False,
) -> None:
    """Compare results on the same queries: paired tests, effects, and groups of rank."""
    from ..evaluation import compare_results, load_result
    from .tables import pairs_table, ranking_table

    ranking = compare_results([load_result(path) for path in results], protocol=protocol, measure=measure, seed=seed)
    if as_json:
        show_json(ranking.describe())
        return
    show(ranking_table(ranking))
    show(pairs_table(ranking))


def export(
    result: Annotated[Path, typer.Argument(help="Output folder of `mmret eval`.")],
    form: Annotated[str, typer.Option("--format", help="Form: mteb, csv, markdown or latex.")] = "markdown",
) -> None:
    """Print a result as Markdown, LaTeX, CSV or JSON of mteb."""
    from ..evaluation import export as export_result
    from ..evaluation import load_result

    print(export_result(load_result(result), form), end="")
