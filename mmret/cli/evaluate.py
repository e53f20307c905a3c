"""`mmret eval`: a benchmark and a model in, a result out."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from .common import (
    BenchOption,
    Cache,
    Choices,
    Data,
    Device,
    Dtype,
    Exclusions,
    FieldMap,
    Json,
    Limit,
    Measures,
    ModelOption,
    OnRay,
    Provenance,
    Slices,
    Split,
    TimeLimit,
    View,
    WorkerCount,
    choices_of,
    names,
    note,
    show,
)


class Dropped(StrEnum):
    """What can be taken from a query; typer knows no lists of literals."""

    text = "text"
    image = "image"
    video = "video"
    audio = "audio"


def evaluate_model(
    bench: BenchOption,
    model: ModelOption,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder for the result files.")] = None,
    data: Data = None,
    exclusions: Exclusions = None,
    slices: Slices = None,
    view: View = None,
    field_map: FieldMap = None,
    split: Split = None,
    provenance: Provenance = None,
    protocol: Annotated[list[str] | None, typer.Option(help="Protocol; repeat for several. Default: all.")] = None,
    measure: Measures = None,
    limit: Limit = None,
    with_blind: Annotated[
        bool, typer.Option("--with-blind", help="Also with parts of the query covered, and a model of text alone.")
    ] = False,
    drop: Annotated[list[Dropped] | None, typer.Option(help="Take this from every query; repeat for several.")] = None,
    batch_size: Annotated[int, typer.Option(help="Items embedded and kept at a time.")] = 16,
    cost_items: Annotated[
        int, typer.Option(help="Queries, and documents, embedded once more to see what one costs; 0 for none.")
    ] = 8,
    device: Device = "auto",
    dtype: Dtype = "float32",
    captioner: Annotated[
        str | None, typer.Option(help="Who puts sound into words, for models that let choose.")
    ] = None,
    backbone: Annotated[str | None, typer.Option(help="What embeds the words and frames, likewise.")] = None,
    prompt: Annotated[str | None, typer.Option(help="What the captioner is asked, likewise.")] = None,
    choose: Choices = None,
    frames: Annotated[int, typer.Option(help="Frames read of each clip.")] = 8,
    sampling: Annotated[
        str, typer.Option(help="Which frames: centres of equal stretches, ends, or those of vlm2vec.")
    ] = "centres",
    reader: Annotated[Literal["decord", "pyav"], typer.Option(help="Library that decodes the frames.")] = "decord",
    on_bad_media: Annotated[
        Literal["exclude", "fail"], typer.Option(help="Leave unusable files out for all models alike, or stop.")
    ] = "exclude",
    seed: Annotated[int, typer.Option(help="Seed of random encoders and of the intervals.")] = 0,
    workers: WorkerCount = None,
    time_limit: TimeLimit = 60.0,
    replicas: Annotated[
        int | None, typer.Option(help="Copies of the model, each a process, and on a GPU each of its own.")
    ] = None,
    ray: OnRay = None,
    shard: Annotated[
        str | None, typer.Option(help="I/N: only embed the I-th of N parts, 0 being the first; for arrays of jobs.")
    ] = None,
    max_memory: Annotated[int, typer.Option(help="Megabytes for blocks of scores.")] = 64,
    cache: Cache = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace another evaluation's result.")] = False,
    as_json: Json = False,
) -> None:
    """Evaluate a model on a benchmark."""
    from ..benchmarks import load_benchmark
    from ..errors import InputError
    from ..evaluation import Settings, Shard, embed_shard, evaluate, evaluate_with_blind
    from ..paths import refuse_file

    part = None if shard is None else Shard.parse(shard)
    if part is not None and (output is not None or with_blind or as_json):
        raise InputError("--shard only embeds: leave --output, --with-blind and --json to the command that merges")
    if output is not None:
        refuse_file(output)
    settings = Settings(
        protocols=tuple(protocol) if protocol else None,
        measures=tuple(measure) if measure else None,
        limit=limit,
        drop=tuple(one.value for one in drop or ()),
        batch_size=batch_size,
        cost_items=cost_items,
        device=device,
        dtype=dtype,
        choices=_choices(captioner, backbone, prompt, choices_of(choose)),
        frames=frames,
        sampling=sampling,
        reader=reader,
        on_bad_media=on_bad_media,
        seed=seed,
        workers=workers,
        time_limit=time_limit,
        engine="local" if ray is None else "ray",
        replicas=replicas,
        ray_address=ray,
        max_memory=max_memory * 1_000_000,
        cache=cache,
    )
    benchmark = load_benchmark(
        bench,
        data,
        exclusions=exclusions,
        slices=slices,
        cache=cache,
        view=view,
        field_map=field_map,
        split=split,
        provenance=names(provenance),
    )
    if part is not None:
        done = embed_shard(benchmark, model, part, settings, show=True)
        print(f"{done.batches} batches: {done.embedded} embedded now, {done.left} left for other shards")
        return
    run = evaluate_with_blind if with_blind else evaluate
    result = run(benchmark, model, settings, show=True)
    if output is not None:
        result.save(output, overwrite=overwrite)
    for warning in result.record["warnings"]:
        note(f"warning: {warning}")
    excluded = result.record["excluded"]
    for one in excluded["documents"]:
        note(f"excluded document {one['id']}: {one['reason']}: {one['file']}")
    for one in excluded["queries"]:
        note(f"excluded query {one['id']}: {one['reason']}")
    if as_json:
        print(result.json())
    else:
        _show_tables(result.record)
    if output is not None:
        note(f"written: {output}/result.json, per_query.parquet, run.parquet")


def _show_tables(record: Mapping[str, Any]) -> None:
    from .tables import blind_table, cost_table, result_table, source_table

    if record["scores"]:  # where labels are hidden there are none
        show(result_table(record))
    if (cost := cost_table(record)) is not None:
        show(cost)
    if (sources := source_table(record)) is not None:
        show(sources)
    if "blind" in record:
        show(blind_table(record, record["settings"]["resolved"]["measures"][0]))


def _choices(
    captioner: str | None, backbone: str | None, prompt: str | None, others: Mapping[str, str]
) -> dict[str, str]:
    named = {"captioner": captioner, "backbone": backbone, "caption_prompt": prompt}
    return {**others, **{name: value for name, value in named.items() if value is not None}}
