"""`mmret annotate`: from a folder of videos to a verified benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import annotate_calibrate, annotate_export, annotate_report, annotate_review
from .annotate_stages import PAID, STAGES, Stage
from .common import ProjectFile, WorkerCount, note

if TYPE_CHECKING:
    from ..pipelines.annotate.project import Project

MaxCalls = Annotated[int | None, typer.Option(min=0, help="Most answers of models, over all runs of the project.")]
MaxCost = Annotated[float | None, typer.Option(min=0, help="Most money for them, in the currency of the prices.")]

app = typer.Typer(
    help="Make a benchmark of composed video retrieval from a folder of videos.\n\n"
    "Every stage goes on where it was stopped, and does anew only what depends on a changed setting.",
    no_args_is_help=True,
)
app.command()(annotate_report.report)
app.command()(annotate_calibrate.calibrate)
app.command()(annotate_review.review)


@app.command()
def init(
    config: Annotated[Path, typer.Argument(help="The file to write.")],
    videos: Annotated[Path | None, typer.Option(help="Folder of the videos. Default: videos, beside the file.")] = None,
    licence: Annotated[str | None, typer.Option(help="Licence of the videos. Default: unknown.")] = None,
) -> None:
    """Write the settings of a new project, each at its default and with what it means."""
    from ..errors import InputError
    from ..pipelines.annotate.config import template

    given = {"folder": videos and videos.absolute(), "licence": licence}
    text = template(**{name: value for name, value in given.items() if value is not None})
    try:
        config.parent.mkdir(parents=True, exist_ok=True)
        with config.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise InputError(f"{config}: there is one already; name another file") from error
    except OSError as error:
        raise InputError(f"{config}: cannot be written: {error.strerror}") from error
    note(f"{config}: written; look at the source of the videos and the judges in it, then: mmret annotate run {config}")


def _add_stage(name: str, stage: Stage) -> None:
    def command(config: ProjectFile, workers: WorkerCount = None) -> None:
        with _open(config) as project:
            stage(project, workers)

    def paid(
        config: ProjectFile, max_calls: MaxCalls = None, max_cost: MaxCost = None, workers: WorkerCount = None
    ) -> None:
        with _open(config, max_calls, max_cost) as project:
            stage(project, workers)

    app.command(name, help=stage.__doc__)(paid if name in PAID else command)


for _name, _stage in STAGES.items():
    _add_stage(_name, _stage)


@app.command()
def run(config: ProjectFile, max_calls: MaxCalls = None, max_cost: MaxCost = None, workers: WorkerCount = None) -> None:
    """Run all stages that need no person, one after the other, and export what is ready."""
    with _open(config, max_calls, max_cost) as project:
        for stage in STAGES.values():
            stage(project, workers)
        annotate_export.export_ready(project, workers)


app.command()(annotate_export.export)


def _open(config: Path, max_calls: int | None = None, max_cost: float | None = None) -> Project:
    """The project of a file of settings, in which the options given stand over the settings."""
    from ..pipelines.annotate.config import Config
    from ..pipelines.annotate.project import Project

    return Project(Config.read(config).changed("budget", max_calls=max_calls, max_cost=max_cost))
