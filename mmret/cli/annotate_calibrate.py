"""`mmret annotate calibrate`: how similar clips are, before anything is mined."""

from __future__ import annotations

from .annotate_report import drawn
from .common import Cache, Json, ProjectFile, WorkerCount, show, show_json


def calibrate(
    config: ProjectFile,
    workers: WorkerCount = None,
    cache: Cache = None,
    as_json: Json = False,
) -> None:
    """Show how similar random pairs of clips are, and what the conditions in the settings would let pass."""
    from ..pipelines.annotate.config import Config
    from ..pipelines.annotate.mine import calibrate_project, calibration_tables
    from ..pipelines.annotate.project import Project

    found = calibrate_project(Project(Config.read(config)), workers=workers, cache=cache, show=True)
    if as_json:
        show_json(found.describe())
        return
    for table in calibration_tables(found):
        show(drawn(table))
