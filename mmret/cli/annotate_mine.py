"""`mmret annotate mine`, `calibrate` and `verify`: what a stage is called with, and what it says when it is done."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .annotate_report import drawn
from .common import Cache, Json, WorkerCount, note, show, show_json

if TYPE_CHECKING:
    from ..pipelines.annotate.project import Project


def run_mine(project: Project, workers: int | None) -> None:
    """Mine pairs; say how many there are of each kind and split."""
    from ..pipelines.annotate.mine import mine_project

    told = mine_project(project, workers=workers, show=True)
    if told["without"]:
        note(f"mine: {told['without']:,} clips have no vector, as they show nothing or sound like nothing")
    for split, kinds in told["splits"].items():
        note(f"mine: {split}: {', '.join(f'{number:,} {kind}' for kind, number in kinds.items())}")


def run_verify(project: Project, workers: int | None) -> None:
    """Have triplets judged; say how many verdicts there are, and which judges may not be trusted."""
    from ..pipelines.annotate.verify import trust_of, verify_project

    counts = verify_project(project, workers=workers, show=True)
    note(f"verify: {counts['accepted']:,} accepting, {counts['rejected']:,} rejecting, {counts['pending']:,} pending")
    for trust in trust_of(project).values():
        if not trust.trusted:
            note(f"verify: {trust.judge} is not trusted: {trust.reason}")


def calibrate(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="Settings of the project, TOML.")],
    workers: WorkerCount = None,
    cache: Cache = None,
    as_json: Json = False,
) -> None:
    """Show how similar random pairs of clips are, and what the conditions of [mine] would let pass."""
    from ..pipelines.annotate.config import Config
    from ..pipelines.annotate.mine import calibrate_project, calibration_tables
    from ..pipelines.annotate.project import Project

    found = calibrate_project(Project(Config.read(config)), workers=workers, cache=cache, show=True)
    if as_json:
        show_json(found.describe())
        return
    for table in calibration_tables(found):
        show(drawn(table))
