"""`mmret annotate`: from a folder of videos to a verified benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import annotate_calibrate, annotate_report
from .annotate_stages import STAGES, Stage
from .common import WorkerCount, note

if TYPE_CHECKING:
    from ..pipelines.annotate.project import Project

ConfigFile = Annotated[Path, typer.Argument(metavar="CONFIG", help="Settings of the project, TOML; see `init`.")]

app = typer.Typer(
    help="Make a benchmark of composed video retrieval from a folder of videos. "
    "Every stage goes on where it was stopped, and does anew only what depends on a changed setting.",
    no_args_is_help=True,
)
app.command()(annotate_report.report)
app.command()(annotate_calibrate.calibrate)


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


def _add_stage(name: str, stage: Stage) -> None:
    def command(config: ConfigFile, workers: WorkerCount = None) -> None:
        with _open(config) as project:
            stage(project, workers)

    app.command(name, help=stage.__doc__)(command)


for _name, _stage in STAGES.items():
    _add_stage(_name, _stage)


@app.command()
def run(config: ConfigFile, workers: WorkerCount = None) -> None:
    """Run all stages that need no person, one after the other."""
    with _open(config) as project:
        for stage in STAGES.values():
            stage(project, workers)


def _open(config: Path) -> Project:
    from ..pipelines.annotate.config import Config
    from ..pipelines.annotate.project import Project

    return Project(Config.read(config))
