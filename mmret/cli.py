"""The command `mmret`: parse, call one function, print. Answers go to stdout, progress and trouble to stderr."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .errors import MmretError

app = typer.Typer(
    help="Benchmarks for multimodal retrieval: which encoder finds the right video or table, and by how much?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
benchmarks_app = typer.Typer(help="The benchmarks that can be named.", no_args_is_help=True)
models_app = typer.Typer(help="The models that can be named.", no_args_is_help=True)
app.add_typer(benchmarks_app, name="benchmarks")
app.add_typer(models_app, name="models")


class Dropped(StrEnum):
    """What can be taken from a query."""

    text = "text"
    image = "image"
    video = "video"
    audio = "audio"


class OnBad(StrEnum):
    """What is done about unusable media."""

    exclude = "exclude"
    fail = "fail"


class ReaderName(StrEnum):
    """The libraries that decode frames."""

    decord = "decord"
    pyav = "pyav"


Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Data = Annotated[Path | None, typer.Option(help="Folder of the benchmark's data, where it is not the one shipped.")]


@app.command("eval")
def eval_(
    bench: Annotated[str, typer.Option("--bench", "-b", help="Name of a benchmark, or a folder that holds one.")],
    model: Annotated[str, typer.Option("--model", "-m", help="Name of a model.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder for the result files.")] = None,
    data: Data = None,
    protocol: Annotated[list[str] | None, typer.Option(help="Protocol; repeat for several. Default: all.")] = None,
    measure: Annotated[list[str] | None, typer.Option(help="Measure such as nDCG@10; repeat for several.")] = None,
    limit: Annotated[int | None, typer.Option(help="Score this many queries only, sampled by slice.")] = None,
    drop: Annotated[list[Dropped] | None, typer.Option(help="Take this from every query; repeat for several.")] = None,
    batch_size: Annotated[int, typer.Option(help="Items embedded and kept at a time.")] = 16,
    device: Annotated[str, typer.Option(help="Device of torch, such as cpu or cuda.")] = "auto",
    frames: Annotated[int, typer.Option(help="Frames read of each clip.")] = 8,
    sampling: Annotated[
        str, typer.Option(help="Which frames: centres of equal stretches, or with both ends.")
    ] = "centres",
    reader: Annotated[ReaderName, typer.Option(help="Library that decodes the frames.")] = ReaderName.decord,
    on_bad_media: Annotated[
        OnBad, typer.Option(help="Leave unusable files out for all models alike, or stop.")
    ] = OnBad.exclude,
    seed: Annotated[int, typer.Option(help="Seed of random encoders and of the intervals.")] = 0,
    workers: Annotated[int | None, typer.Option(help="Decoding processes.")] = None,
    time_limit: Annotated[float, typer.Option(help="Seconds a decoder may take for one file.")] = 60.0,
    max_memory: Annotated[int, typer.Option(help="Megabytes for blocks of scores.")] = 64,
    cache: Annotated[
        Path | None, typer.Option(envvar="MMRET_CACHE", help="Folder for vectors and media reports.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace another evaluation's result.")] = False,
    as_json: Json = False,
) -> None:
    """Evaluate a model on a benchmark."""
    from .evaluation import MEASURES, Settings, evaluate
    from .evaluation.tables import result_table

    settings = Settings(
        protocols=tuple(protocol) if protocol else None,
        measures=tuple(measure) if measure else MEASURES,
        limit=limit,
        drop=tuple(one.value for one in drop or ()),
        batch_size=batch_size,
        device=device,
        frames=frames,
        sampling=sampling,
        reader=reader.value,
        on_bad_media=on_bad_media.value,
        seed=seed,
        workers=workers,
        time_limit=time_limit,
        max_memory=max_memory * 1_000_000,
        cache=cache,
    )
    result = evaluate(bench, model, settings, data=data, show=True)
    if output is not None:
        result.save(output, overwrite=overwrite)
    for warning in result.record["warnings"]:
        _note(f"warning: {warning}")
    excluded = result.record["excluded"]
    for one in excluded["documents"]:
        _note(f"excluded document {one['id']}: {one['reason']}: {one['file']}")
    for one in excluded["queries"]:
        _note(f"excluded query {one['id']}: {one['reason']}")
    print(result.json()) if as_json else _print(result_table(result.record))
    if output is not None:
        _note(f"written: {output}/result.json, per_query.parquet, run.parquet")


class OnMissing(StrEnum):
    """What is done about judged queries that a run lacks."""

    error = "error"
    zero = "zero"


class OnUnknown(StrEnum):
    """What is done about queries of a run that are not judged."""

    error = "error"
    ignore = "ignore"


@app.command()
def score(
    run: Annotated[Path, typer.Option(help="Run: Parquet (query, document, score) or TREC's six columns, .gz too.")],
    qrels: Annotated[
        Path | None, typer.Option(help="Judgements: TREC's four columns, BEIR's three, or Parquet.")
    ] = None,
    gallery: Annotated[
        Path | None, typer.Option(help="Candidates, beside --qrels: query-id and corpus-ids, Parquet or JSON lines.")
    ] = None,
    bench: Annotated[
        str | None, typer.Option("--bench", "-b", help="In place of --qrels: name of a benchmark, or its folder.")
    ] = None,
    data: Data = None,
    protocol: Annotated[
        list[str] | None, typer.Option(help="Protocol of the benchmark; repeat for several. Default: those of a run.")
    ] = None,
    measure: Annotated[list[str] | None, typer.Option(help="Measure such as nDCG@10; repeat for several.")] = None,
    missing: Annotated[OnMissing, typer.Option(help="Refuse a run that lacks queries, or count 0.")] = OnMissing.error,
    unknown: Annotated[OnUnknown, typer.Option(help="Refuse queries not judged, or ignore them.")] = OnUnknown.error,
    per_query: Annotated[Path | None, typer.Option(help="Write each query's values here, CSV.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the intervals.")] = 0,
    as_json: Json = False,
) -> None:
    """Score a run file against judgements or a benchmark."""
    import json

    from .benchmarks import load_benchmark
    from .errors import InputError
    from .evaluation import MEASURES, read_galleries, read_qrels, read_run, score_run, score_run_on
    from .evaluation.tables import measures_table, scores_table

    if (qrels is None) == (bench is None):
        raise InputError("give either --qrels FILE or --bench NAME: a benchmark has judgements of its own")
    if qrels is None and gallery is not None:
        raise InputError("--gallery goes with --qrels: a benchmark has galleries of its own; see --protocol")
    if bench is None and (data is not None or protocol):
        raise InputError("--data and --protocol go with --bench, not with --qrels")
    measures = measure or MEASURES
    if bench is not None:
        benchmark = load_benchmark(bench, data)
        scored = score_run_on(
            read_run(run),
            benchmark,
            protocols=protocol or None,
            measures=measures,
            missing=missing.value,
            unknown=unknown.value,
            seed=seed,
        )
        table = scores_table(scored.scores, f"{run} on {benchmark.name} {benchmark.version}")
    elif qrels is not None:
        labels = read_qrels(qrels)
        scored = score_run(
            read_run(run),
            labels,
            galleries=None if gallery is None else read_galleries(gallery),
            measures=measures,
            missing=missing.value,
            unknown=unknown.value,
            seed=seed,
        )
        table = measures_table(scored.scores)
        if labels.without:
            _note(f"{len(labels.without)} judged queries have no right document and no value")
    if scored.unknown:
        _note(f"{scored.unknown} queries of the run are not judged and were left out")
    if scored.missing:
        _note(f"{len(scored.missing)} judged queries are missing in the run and count 0")
    for name, share in scored.unlisted.items():
        _note(f"{name}: the run does not list {share:.1%} of the candidates; they count as placed behind the others")
    if per_query is not None:
        scored.per_query.to_csv(per_query, index=False)
    print(json.dumps(scored.describe(), indent=1)) if as_json else _print(table)


@app.command()
def convert(
    run: Annotated[Path, typer.Argument(help="The run to read.")],
    target: Annotated[Path, typer.Argument(help="The run to write: .parquet, or TREC's text, .gz too.")],
    tag: Annotated[str, typer.Option(help="Name of the system in TREC's last column.")] = "mmret",
) -> None:
    """Convert a run between Parquet and TREC's six columns."""
    from .evaluation import read_run, write_run

    write_run(read_run(run), target, tag)


@app.command()
def compare(
    results: Annotated[list[Path], typer.Argument(help="Two or more output folders of `mmret eval`.")],
    protocol: Annotated[str | None, typer.Option(help="Protocol. Default: the first one scored.")] = None,
    measure: Annotated[str, typer.Option(help="Measure that all results hold.")] = "R@1",
    seed: Annotated[int, typer.Option(help="Seed of the tests.")] = 0,
    as_json: Json = False,
) -> None:
    """Compare results on the same queries: paired tests, effects, and who cannot be told apart."""
    import json

    from .evaluation import compare_results, load_result
    from .evaluation.tables import pairs_table, ranking_table

    ranking = compare_results([load_result(path) for path in results], protocol=protocol, measure=measure, seed=seed)
    if as_json:
        print(json.dumps(ranking.describe(), indent=1))
        return
    _print(ranking_table(ranking))
    _print(pairs_table(ranking))


@app.command()
def export(
    result: Annotated[Path, typer.Argument(help="Output folder of `mmret eval`.")],
    form: Annotated[str, typer.Option("--format", help="mteb, csv, markdown or latex.")] = "markdown",
) -> None:
    """Print a result in the form of others."""
    from .errors import unknown_name
    from .evaluation import EXPORTS, load_result

    if form not in EXPORTS:
        raise unknown_name("format", form, EXPORTS)
    print(EXPORTS[form](load_result(result)), end="")


@benchmarks_app.command("list")
def benchmarks_list(as_json: Json = False) -> None:
    """All benchmarks by name."""
    from .benchmarks import benchmarks

    entries = {name: entry.summary for name, entry in benchmarks().items()}
    _print_mapping(entries, as_json=as_json)


@benchmarks_app.command("show")
def benchmarks_show(
    name: Annotated[str, typer.Argument(help="Name of a benchmark, or a folder that holds one.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """One benchmark: sizes, slices, galleries, digest and data card."""
    from .benchmarks import load_benchmark

    benchmark = load_benchmark(name, data)
    _print_mapping(benchmark.describe(), as_json=as_json)
    if not as_json and benchmark.card:
        print(f"\n{benchmark.card}")


@models_app.command("list")
def models_list(as_json: Json = False) -> None:
    """All models: what each reads of queries and documents, its size and licence, and whether it can run here."""
    from .encoders import encoders
    from .evaluation.tables import models_table

    specs = [cls.spec for cls in encoders().values()]
    if as_json:
        import json

        print(json.dumps([spec.describe() for spec in specs], indent=1))
    else:
        _print(models_table(specs))


@models_app.command("show")
def models_show(name: Annotated[str, typer.Argument(help="Name of a model.")], as_json: Json = False) -> None:
    """One model: modalities, size, licence, training data, limits, and how to get it."""
    from .encoders import find_encoder

    _print_mapping(find_encoder(name).spec.describe(), as_json=as_json)


def _note(text: str) -> None:
    print(text, file=sys.stderr)


def _print(renderable: object) -> None:
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else 160).print(renderable)


def _print_mapping(mapping: Mapping[str, object], *, as_json: bool) -> None:
    if as_json:
        import json

        print(json.dumps(mapping, indent=1, ensure_ascii=False))
        return
    width = max(map(len, mapping))
    for key, value in mapping.items():
        print(f"{key:<{width}}  {value}")


def main() -> None:
    """Entry point: exit code 0 for a result, 1 for a failed run, 2 for misuse, 130 when interrupted."""
    try:
        app()
    except MmretError as error:
        _note(f"mmret: {error}")
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except SystemExit as stop:
        if stop.code == 130:  # typer's for Ctrl-C
            _note("mmret: interrupted; what was embedded is kept, run the same command to go on")
        raise
