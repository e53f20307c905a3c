"""`mmret annotate export`: a benchmark out of a project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .common import Cache, Json, ProjectFile, WorkerCount, names, note, show_mapping

if TYPE_CHECKING:
    from ..pipelines.annotate.export import Exported
    from ..pipelines.annotate.project import Project


def export(
    config: ProjectFile,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder to write.")] = None,
    split: Annotated[str | None, typer.Option(help="Split: test, dev or train.")] = None,
    status: Annotated[
        str | None,
        typer.Option(help="Which triplets, separated by commas: gold, llm-accepted, pending, rejected."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a benchmark of another state.")] = False,
    workers: WorkerCount = None,
    cache: Cache = None,
    as_json: Json = False,
) -> None:
    """Write the benchmark: labels, clips and data card, in the layouts of OmniCVR. Options stand over the settings."""
    from ..pipelines.annotate.config import Config
    from ..pipelines.annotate.export import export_project
    from ..pipelines.annotate.project import Project

    settings = Config.read(config).changed(
        "export", folder=output and output.absolute(), split=split, status=names(status) or None
    )
    with Project(settings) as project:
        done = export_project(project, overwrite=overwrite, workers=workers, cache=cache, show=True)
    show_mapping(_told(done), as_json=as_json)
    _say(done)


def export_ready(project: Project, workers: int | None) -> None:
    """Export as the settings say, or say what is missing."""
    from ..pipelines.annotate.export import choose, export_project, nothing

    chosen = choose(project)
    if chosen.triplets:
        _say(export_project(project, workers=workers, show=True))
    else:
        note(f"export: nothing yet: {nothing(chosen)}")


def _told(done: Exported) -> dict[str, Any]:
    return {
        "folder": str(done.folder), "queries": sum(done.queries.values()), "status": dict(done.queries),
        "clips": done.clips, "digest": done.digest, "SHA256SUMS": done.sums,
    }  # fmt: skip


def _say(done: Exported) -> None:
    what = "written" if done.new else "is up to date"
    note(f"export: {done.folder} {what}; next: mmret eval --bench {done.folder} --model tagbridge")
