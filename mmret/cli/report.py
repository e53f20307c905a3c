"""`mmret report`: one HTML file that says how systems compare and shows where they fail."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .common import Cache, Data, Exclusions, FieldMap, Provenance, Slices, Split, TimeLimit, WorkerCount, names, note


def report(
    results: Annotated[list[Path], typer.Argument(help="Output folders of `mmret eval`, of one benchmark.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="HTML file to write.")],
    protocol: Annotated[
        str | None, typer.Option(help="Protocol. Default: the first that all were scored under.")
    ] = None,
    measure: Annotated[str | None, typer.Option(help="Measure of tests and slices. Default: the first of all.")] = None,
    examples: Annotated[int, typer.Option(min=0, help="Telling queries to show.")] = 20,
    budget: Annotated[float, typer.Option(min=1, help="Size that the file may have, in MB.")] = 30.0,
    duplicates: Annotated[
        Path | None, typer.Option(help="Documents that are alike: the list of `mmret benchmarks duplicates`.")
    ] = None,
    data: Data = None,
    exclusions: Exclusions = None,
    slices: Slices = None,
    field_map: FieldMap = None,
    split: Split = None,
    provenance: Provenance = None,
    cache: Cache = None,
    workers: WorkerCount = None,
    time_limit: TimeLimit = 60.0,
    seed: Annotated[int, typer.Option(help="Seed of the tests.")] = 0,
) -> None:
    """Write one file that opens offline: figures, and the most telling queries with pictures and sound."""
    from ..leaderboard.explorer import Study
    from ..leaderboard.explorer.report import read_copies, write_report

    study = Study.open(
        results,
        data,
        exclusions=exclusions,
        slices=slices,
        field_map=field_map,
        split=split,
        provenance=names(provenance),
        cache=cache,
    )
    write_report(
        study,
        output,
        protocol=protocol,
        measure=measure,
        examples=examples,
        budget_mb=budget,
        copies=None if duplicates is None else read_copies(duplicates, study.benchmark),
        workers=workers,
        time_limit=time_limit,
        seed=seed,
    )
    note(f"written: {output} ({output.stat().st_size / 1e6:.1f} MB)")
