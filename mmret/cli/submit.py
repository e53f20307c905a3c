"""`mmret submit`: a run into one file for a leaderboard, checked before it is sent."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from .common import (
    A_BENCHMARK,
    Data,
    Json,
    View,
    benchmark_names,
    names,
    note,
    show_json,
    show_mapping,
)
from .submit_upload import upload

if TYPE_CHECKING:
    from ..benchmarks import Benchmark
    from ..leaderboard.submissions import Report


Track = Literal["no-audio", "audio-as-text", "native-audio"]
"""How a model reads sound."""

Saw = Literal["no", "train", "yes", "unknown"]
"""Whether a model was trained on data of the benchmark."""

app = typer.Typer(help="Pack, check and send runs for a leaderboard.", no_args_is_help=True)
app.command()(upload)
MaybeBench = Annotated[str | None, typer.Option("--bench", "-b", help=A_BENCHMARK, autocompletion=benchmark_names)]


@app.command()
def pack(
    source: Annotated[Path, typer.Argument(help="Output folder of `mmret eval`; or a run, with --bench.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write, NAME.submission.parquet.")
    ] = None,
    bench: MaybeBench = None,
    data: Data = None,
    view: View = None,
    describe: Annotated[Path | None, typer.Option(help="JSON file of what the options below say, and more.")] = None,
    model: Annotated[str | None, typer.Option("--model", "-m", help="Name of the model.")] = None,
    revision: Annotated[str | None, typer.Option(help="Its revision.")] = None,
    query: Annotated[str | None, typer.Option(help="What it reads of queries: text,image,video,audio.")] = None,
    document: Annotated[str | None, typer.Option(help="What it reads of documents, likewise.")] = None,
    track: Annotated[Track | None, typer.Option(help="How it reads sound.")] = None,
    link: Annotated[str | None, typer.Option(help="Page of the model.")] = None,
    licence: Annotated[str | None, typer.Option(help="Licence of the weights.")] = None,
    open_weights: Annotated[
        bool | None, typer.Option("--open-weights/--closed-weights", help="Whether the weights can be had.")
    ] = None,
    parameters: Annotated[int | None, typer.Option(help="Number of trained weights.")] = None,
    author: Annotated[list[str] | None, typer.Option(help="Author; repeat for several.")] = None,
    organisation: Annotated[str | None, typer.Option(help="Where they work.")] = None,
    paper: Annotated[str | None, typer.Option(help="Link to the paper.")] = None,
    code: Annotated[str | None, typer.Option(help="Link to the code.")] = None,
    training_data: Annotated[str | None, typer.Option(help="What the model was trained on.")] = None,
    saw_benchmark: Annotated[Saw | None, typer.Option(help="Whether training saw data of the benchmark.")] = None,
    hardware: Annotated[str | None, typer.Option(help="What it ran on.")] = None,
    notes: Annotated[str | None, typer.Option(help="Anything else.")] = None,
    as_json: Json = False,
) -> None:
    """Pack a run and its description into one file; with --bench it is checked too."""
    from ..errors import InputError
    from ..leaderboard.submissions import SUFFIX, Ground, check, joined, read_declared
    from ..leaderboard.submissions import pack as pack_run

    of_model = {
        "name": model,
        "revision": revision,
        "query": names(query) or None,
        "document": names(document) or None,
        "track": track,
        "link": link,
        "licence": licence,
        "open_weights": open_weights,
        "parameters": parameters,
    }
    of_file = {
        "authors": author or None,
        "organisation": organisation,
        "paper": paper,
        "code": code,
        "training_data": training_data,
        "saw_benchmark": saw_benchmark,
        "notes": notes,
    }
    run, facts, asked = _read(source, bench, data, view)
    said: dict[str, Any] = {"model": {}, "cost": {}} | (read_declared(describe) if describe is not None else {})
    said = joined(said, _given(of_file) | {"model": _given(of_model), "cost": _given({"hardware": hardware})})
    facts = joined(facts, said)
    if "name" not in facts["model"]:
        raise InputError(f"{source}: a run does not tell its model; say --model, --query, --document and --track")
    stem = source.resolve().name if source.is_dir() else source.name.partition(".")[0]
    target = output or source.resolve().with_name(stem + SUFFIX)
    description = pack_run(run, facts, target)
    note(f"written: {target}")
    if "limit" in description.settings:
        note("the result was made with --limit; a board takes runs over all queries alone")
    about = {"file": str(target), "bytes": target.stat().st_size, **description.run.model_dump()}
    about |= {"undeclared": description.undeclared}
    report = None if asked is None else check(target, Ground.of(asked))
    if as_json:
        show_json(about | ({} if report is None else {"report": report.describe()}))
    else:
        show_mapping(about | {"undeclared": ", ".join(description.undeclared) or "nothing"}, as_json=False)
    if report is not None and not as_json:
        _show(report)
    if report is not None and not report.ok:
        sys.exit(1)


@app.command("check")
def check_file(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="What `mmret submit pack` made.")],
    bench: MaybeBench = None,
    data: Data = None,
    view: View = None,
    ground: Annotated[
        Path | None, typer.Option(help="In place of --bench: what a board gives out, benchmarks/ID/ground.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say all that a board would say of a file, but its score; exit code 1 where it would be refused."""
    from ..benchmarks import load_benchmark
    from ..errors import InputError
    from ..leaderboard.submissions import Ground, check

    if (bench is None) == (ground is None):
        raise InputError("give either --bench NAME or --ground FILE: what the run is to be checked against")
    known = Ground.load(ground) if ground is not None else Ground.of(load_benchmark(bench or "", data, view=view))
    report = check(file, known)
    if as_json:
        show_json(report.describe())
    else:
        _show(report)
    if not report.ok:
        sys.exit(1)


def _read(
    source: Path, bench: str | None, data: Path | None, view: str | None
) -> tuple[Any, dict[str, Any], Benchmark | None]:
    """The run, what is known of it without being said, and the benchmark if it is named."""
    from ..benchmarks import load_benchmark
    from ..errors import InputError
    from ..evaluation import load_result, read_run
    from ..leaderboard.submissions import facts_of_benchmark, facts_of_result

    if source.is_dir():
        result = load_result(source)
        shown = view or result.record["benchmark"]["view"] or None
        asked = load_benchmark(bench, data, view=shown) if bench is not None else None
        return result.run, facts_of_result(result.record), asked
    if bench is None:
        raise InputError(f"{source}: a run does not tell what it answers; name the benchmark with --bench")
    asked = load_benchmark(bench, data, view=view)
    return read_run(source), {"model": {}, "cost": {}, "benchmark": facts_of_benchmark(asked)}, asked


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _show(report: Report) -> None:
    for fault in report.faults:
        print(f"{fault.severity} {fault.code}: {fault}")
    print(f"{'good' if report.ok else 'refused'}: {report.entries:,} entries")
