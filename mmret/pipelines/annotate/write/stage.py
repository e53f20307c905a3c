"""Writing as a stage of a project: pairs in, instructions out."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ....errors import InputError
from ..describe import Annotation
from ..llm import Askers
from ..project import Outcome, Project, Stage, Status, Threads, run_stage
from ..records import Clip, Description, PairRow
from .base import Task, Writer
from .llm import LlmWriter
from .offline import OfflineWriter

NAME = "write"


def write_project(project: Project, askers: Askers, *, show: bool = False) -> Counter[Status]:
    """Write the texts of the pairs of a project that have none, and give the number of pairs by status.

    Raises `InputError` where nobody of that name writes; `RunError` where its server answers nobody.
    """
    settings = project.config.write
    kind, _, argument = settings.by.partition(":")
    writer: Writer
    if settings.by == "offline":
        writer, threads = OfflineWriter(settings), 1
    elif kind == "llm" and argument:
        asker = askers.named(argument)
        writer, threads = LlmWriter(settings, asker), asker.threads
    else:
        raise InputError(f'write.by = "{settings.by}": use "offline" or "llm:MODEL@ADDRESS"')
    clips = {clip.id: clip for clip in project.accepted("segment", Clip)}
    described = {one.clip: one.annotation for one in project.accepted("describe", Description)}
    pairs = project.accepted("mine", PairRow)

    def inputs(pair: PairRow) -> Any:
        return [pair.kind, described.get(pair.source), described.get(pair.target)]

    def work(pair: PairRow) -> Outcome:
        missing = [name for name in (pair.source, pair.target) if name not in clips or name not in described]
        if missing:
            return Outcome.pending(f"not described: {', '.join(missing)}")
        source, target = (Annotation.model_validate(described[name]) for name in (pair.source, pair.target))
        return writer.write(Task(pair, source, target, (clips[pair.source], clips[pair.target])))

    stage = Stage(NAME, {**settings.model_dump(mode="json"), "by": writer.name, **writer.identity}, inputs)
    with Threads(threads) as pool:
        return run_stage(project, stage, pairs, work, pool, show=show)
