"""`mmret benchmarks`: what can be asked, and whether it is what it claims to be."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import labels
from .common import (
    Bench,
    Cache,
    Data,
    FieldMap,
    Json,
    Provenance,
    Slices,
    Split,
    TimeLimit,
    View,
    WorkerCount,
    names,
    note,
    show,
    show_json,
    show_mapping,
)

if TYPE_CHECKING:
    from ..benchmarks.omnicvr import Release


class Part(StrEnum):
    """Parts of a benchmark that can be fetched; typer knows no lists of literals."""

    labels = "labels"
    videos = "videos"


app = typer.Typer(help="List, show, fetch and check benchmarks.", no_args_is_help=True)


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List all benchmarks by name."""
    from ..benchmarks import benchmarks

    show_mapping({name: entry.summary for name, entry in benchmarks().items()}, as_json=as_json)


@app.command("show")
def show_benchmark(
    name: Bench,
    data: Data = None,
    slices: Slices = None,
    view: View = None,
    field_map: FieldMap = None,
    split: Split = None,
    provenance: Provenance = None,
    cache: Cache = None,
    published: Annotated[bool, typer.Option("--published", help="Results that others published.")] = False,
    as_json: Json = False,
) -> None:
    """Show one benchmark: sizes, slices, galleries, digest and data card; of one that is not here yet, the card."""
    from dataclasses import asdict

    from ..benchmarks import NotHereError, benchmarks, load_benchmark, published_tables
    from .tables import published_table

    if published:
        tables = published_tables(name)
        if as_json:
            show_json([asdict(table) for table in tables])
        for table in () if as_json else tables:
            show(published_table(table))
        if not tables:
            note(f"no published results of {name} are known")
        return
    try:
        benchmark = load_benchmark(
            name,
            data,
            slices=slices,
            cache=cache,
            view=view,
            field_map=field_map,
            split=split,
            provenance=names(provenance),
        )
    except NotHereError as error:
        card = benchmarks()[name].card if name in benchmarks() else ""
        if as_json or not card:
            raise
        print(card)
        note(f"this is its data card; {error}")
        return
    show_mapping(benchmark.describe(), as_json=as_json)
    if not as_json and benchmark.card:
        print(f"\n{benchmark.card}")


@app.command()
def verify(
    name: Bench,
    data: Data = None,
    exclusions: Annotated[
        Path | None, typer.Option(help="Where the list of what must be left out is written. Default: beside the data.")
    ] = None,
    view: View = None,
    field_map: FieldMap = None,
    split: Split = None,
    workers: WorkerCount = None,
    time_limit: TimeLimit = 60.0,
    cache: Cache = None,
    as_json: Json = False,
) -> None:
    """Check labels and galleries, decode every file, and write the list of what evaluations must leave out."""
    from ..benchmarks import exclusions_path, read_draft
    from ..benchmarks import verify as verify_draft
    from ..media import Preflight, Workers
    from ..paths import cache_folder

    draft = read_draft(name, data, cache=cache, view=view, field_map=field_map, split=split)
    with Workers(workers, time_limit) as pool:
        found = verify_draft(draft, Preflight(pool, cache_folder(cache) / "preflight.jsonl"), cache, show=True)
    show_mapping(found.describe() if as_json else found.lines(), as_json=as_json)
    path = exclusions or exclusions_path(name, data, split)
    if found.faulty:
        found.excluded.save(path, found.digest)
        note(f"written: {path}; evaluations leave out what it names")
        sys.exit(1)
    if path.is_file():
        path.unlink()
        note(f"removed: {path}; nothing has to be left out any more")


@app.command("hide")
def hide_labels(
    name: Bench,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write the copy into.")],
    data: Data = None,
    keep_slices: Annotated[
        str | None, typer.Option(help="Slices that tell nothing of the answer, separated by commas. Default: none.")
    ] = None,
    split: Split = None,
    cache: Cache = None,
) -> None:
    """Write the public copy of a benchmark without its labels, for a leaderboard that keeps them."""
    from ..benchmarks import folder_of, hide, load_benchmark

    benchmark = load_benchmark(name, data, cache=cache, split=split)
    hide(benchmark, folder_of(name, data), output, names(keep_slices))
    note(f"written: {output}: {len(benchmark.queries):,} queries, {len(benchmark.documents):,} documents, no labels")
    note("ids, texts and the tables of a corpus are as they were: see that none of them tells an answer")
    show_mapping({"name": benchmark.name, "ground": benchmark.ground_digest}, as_json=False)


@app.command()
def get(
    name: Annotated[str, typer.Argument(help="Name of a benchmark, or hf:OWNER/NAME.")],
    parts: Annotated[list[Part] | None, typer.Option(help="What to fetch; repeat for several. Default: all.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder to fetch into. Default: mmret's data folder.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Fetch a benchmark from the Hub; what is there already stays, and a file cut short goes on."""
    from ..benchmarks import bytes_left, fetch, folder_of
    from ..benchmarks.omnicvr import plan
    from ..benchmarks.tarvir import is_on_hub, plan_dataset
    from ..errors import InputError

    wanted = [part.value for part in parts or Part]
    files = plan_dataset(name) if is_on_hub(name) else plan(_release(name), wanted)
    folder = folder_of(name, data)
    whole = sum(file.size for file in files if file.columns is None)
    labels = " and the labels" if any(file.columns for file in files) else ""
    left = bytes_left(files, folder)
    note(f"{name}: {len(files)} files, {whole / 1e6:,.0f} MB{labels}, into {folder}")
    note(f"{left / 1e6:,.0f} MB of them are not there yet")
    if not yes and not sys.stdin.isatty():
        raise InputError("nobody can be asked here; say that you want this with --yes")
    if not yes:
        typer.confirm("Fetch them?", abort=True, err=True)
    fetch(files, folder, tell=note)
    note(f"done; check them: mmret benchmarks verify {name}" + (f" --data {data}" if data else ""))


@app.command()
def unpack(name: Annotated[str, typer.Argument(help="Name of a benchmark.")], data: Data = None) -> None:
    """Write videos that lie inside Parquet files into tars, from which clips are read in place."""
    from ..benchmarks import folder_of
    from ..benchmarks.omnicvr import unpack_videos

    _release(name)
    for tar in unpack_videos(folder_of(name, data), tell=note):
        note(f"written: {tar}")


app.command()(labels.leaks)
app.command()(labels.duplicates)


def _release(name: str) -> Release:
    from ..benchmarks.omnicvr import OMNICVR
    from ..errors import unknown_name

    releases = {release.name: release for release in OMNICVR}
    if name not in releases:
        raise unknown_name("benchmark to fetch", name, releases)
    return releases[name]
