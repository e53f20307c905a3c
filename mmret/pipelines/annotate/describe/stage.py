"""Describing as a stage of a project: clips in, descriptions out."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache, partial
from pathlib import Path

from ....engines import open_executor
from ....errors import InputError
from ....evaluation.devices import resolve_device
from ..config import Config, Describe
from ..llm import Askers
from ..project import Outcome, Project, Stage, Status, Threads, run_stage
from ..records import Clip
from .base import Describer
from .endpoint import EndpointDescriber
from .offline import OfflineDescriber
from .omni import OmniDescriber

NAME = "describe"
SECONDS = 600.0  # that one clip may take offline


def describe_project(
    project: Project, askers: Askers, *, workers: int | None = None, cache: Path | None = None, show: bool = False
) -> Counter[Status]:
    """Describe the clips of a project that are not described, and give the number of clips by status.

    Parameters
    ----------
    askers: for models at servers.
    workers: processes side by side where it is done offline; one for each core unless given.
    cache: mmret's cache folder.

    Raises `InputError` where nobody of that name describes, or something that it needs is missing; `RunError` where
    its server answers nobody.
    """
    settings = project.config.describe
    kind, _, argument = settings.by.partition(":")
    clips = project.accepted("segment", Clip)
    if settings.by == "offline":
        offline = OfflineDescriber(settings)
        with open_executor(workers, SECONDS, "describer", project.config.project.ray or None) as pool:
            return run_stage(project, stage_of(offline), clips, partial(_offline, project.config), pool, show=show)
    describer: Describer
    if kind == "endpoint" and argument:
        asker = askers.named(argument)
        describer, threads = EndpointDescriber(settings, asker), asker.threads
    elif kind == "omni" and argument:
        device = resolve_device(settings.device, "omniembed")  # the same model behind another head
        describer, threads = OmniDescriber(settings, argument, device, cache=cache), 1
    else:
        raise InputError(f'describe.by = "{settings.by}": use "offline", "endpoint:MODEL@ADDRESS" or "omni:WEIGHTS"')
    with Threads(threads) as executor:
        return run_stage(
            project, stage_of(describer), clips, lambda clip: describer.describe(clip, project.clip(clip.id)), executor,
            show=show,
        )  # fmt: skip


def stage_of(describer: Describer) -> Stage:
    """The stage by a describer: a clip is described anew when its content or the describer changes."""
    return Stage(NAME, {"by": describer.name, **describer.identity}, lambda clip: clip.sha256)


def _offline(config: Config, clip: Clip) -> Outcome:
    return _describer(config.describe.model_dump_json()).describe(clip, Project(config).clip(clip.id))


@lru_cache(1)
def _describer(settings: str) -> OfflineDescriber:
    """The describer of this process."""
    return OfflineDescriber(Describe.model_validate_json(settings))
