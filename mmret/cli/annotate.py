"""`mmret annotate`: from a folder of videos to a verified benchmark."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .common import Json, WorkerCount, note, show, show_json

if TYPE_CHECKING:
    from ..pipelines.annotate.project import Project, Status

COUNTED = ("scan", "segment", "describe", "mine", "write", "verify")  # stages that keep rows of items
ConfigFile = Annotated[Path, typer.Argument(metavar="CONFIG", help="Settings of the project, TOML; see `init`.")]

app = typer.Typer(
    help="Make a benchmark of composed video retrieval from a folder of videos. "
    "Every stage goes on where it was stopped, and does anew only what depends on a changed setting.",
    no_args_is_help=True,
)


@app.command()
def init(config: Annotated[Path, typer.Argument(metavar="CONFIG", help="The file to write.")]) -> None:
    """Write the settings of a new project, each at its default and with what it means."""
    from ..errors import InputError
    from ..pipelines.annotate.config import template

    try:
        config.parent.mkdir(parents=True, exist_ok=True)
        with config.open("x", encoding="utf-8") as file:
            file.write(template())
    except FileExistsError as error:
        raise InputError(f"{config}: there is one already; name another file") from error
    except OSError as error:
        raise InputError(f"{config}: cannot be written: {error.strerror}") from error
    note(f"{config}: name the videos and their licence in it, then: mmret annotate run {config}")


@app.command()
def segment(config: ConfigFile, workers: WorkerCount = None) -> None:
    """Cut the clips: shots, filters by motion, richness and sound, near duplicates."""
    with _open(config) as project:
        _segment(project, workers)


@app.command()
def run(config: ConfigFile, workers: WorkerCount = None) -> None:
    """Run all stages that need no person, one after the other."""
    with _open(config) as project:
        for stage in STAGES.values():
            stage(project, workers)


@app.command()
def report(config: ConfigFile, as_json: Json = False) -> None:
    """Show what became of everything, stage by stage, and why things fell out."""
    project = _open(config)
    counts = {stage: found for stage in COUNTED if (found := project.counts(stage))}
    show_json(counts) if as_json else show(_counts_table(counts))


def _open(config: Path) -> Project:
    from ..pipelines.annotate.config import Config
    from ..pipelines.annotate.project import Project

    return Project(Config.read(config))


def _segment(project: Project, workers: int | None) -> None:
    from ..pipelines.annotate.segment import segment as run_segment

    counts = run_segment(project, workers=workers, show=True)
    note(f"segment: {counts['accepted']:,} clips, {counts['rejected']:,} rejected, {counts['pending']:,} pending")


def _counts_table(counts: Mapping[str, Mapping[Status, Mapping[str, int]]]) -> object:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD)
    for heading in ("stage", "status", "reason"):
        table.add_column(heading)
    table.add_column("items", justify="right")
    for stage, by_status in counts.items():
        for status, reasons in by_status.items():
            for reason, number in reasons.items():
                table.add_row(stage, status, reason, f"{number:,}")
        table.add_section()
    return table


# The stages that need no person, in their order.
STAGES: dict[str, Callable[[Project, int | None], None]] = {"segment": _segment}
