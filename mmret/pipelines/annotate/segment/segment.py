"""The stage `segment`: every stretch of every original ends as a clip, or rejected with the reason.

Beneath it lie two stages of their own, so that a change of the filters decodes nothing anew: `scan`, one item an
original, and `cut`, one item a clip to be written.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ....engines import open_executor
from ....items import text_digest
from ..config import Config, Segment
from ..project import Outcome, Project, Stage, Status, run_stage
from ..records import Clip, Record
from .cut import Cut, cut_file
from .filters import fault_of
from .hashes import near_duplicates
from .originals import Original, list_originals
from .scan import Scan, Span, scan_file
from .streams import UnusableError

STAGE = "segment"
_DIVIDING = {"threshold", "shortest_shot", "shortest", "longest", "short_shots", "samples"}
_CUTTING = {"height", "crf", "preset", "sound_bitrate"}
_OWN = re.compile(r"[0-9a-f]{16}\.(?:mp4|.+\.part)")  # files of this stage; others in the folder are left alone


class Candidate(Record):
    """A stretch of an original; its id comes from the original's content and the stretch."""

    id: str
    original: str
    span: Span


@dataclass(frozen=True)
class _Job:
    """An item and the file it is about, whose path decides nothing."""

    path: Path
    item: Original | Candidate

    @property
    def id(self) -> str:
        return self.item.id


def segment(project: Project, *, workers: int | None = None, show: bool = False) -> Counter[Status]:
    """Bring the clips up to date with originals and settings, and give the number of stretches by status.

    Parameters
    ----------
    workers: processes side by side; one for each core unless given.

    Raises `InputError` for sources that cannot be read.
    """
    settings = project.config.segment
    originals = list_originals(project.config, show=show)
    with open_executor(workers, settings.time_limit, ray=project.config.project.ray or None) as pool:
        scans = Stage("scan", _some(settings, _DIVIDING), lambda job: [job.item.sha256, job.item.same_as])
        run_stage(project, scans, [_Job(*one) for one in originals.items()], partial(_scan, settings), pool, show=show)
        found = list(_candidates(project, originals.values()))
        paths = {original.id: path for path, original in originals.items()}
        gone = [name for name in project.rows("cut") if not project.clip(name).exists()]
        project.keep("cut", [], gone)
        fit = [_Job(paths[one.original], one) for one in found if fault_of(one.span, settings) is None]
        cuts = Stage("cut", _some(settings, _CUTTING), lambda job: job.item.id)
        run_stage(project, cuts, fit, partial(_cut, project.config), pool, show=show)
    return _settle(project, found, {one.id: one.licence for one in originals.values()})


def _some(settings: Segment, names: set[str]) -> dict[str, Any]:
    return settings.model_dump(mode="json", include=names)


def _scan(settings: Segment, job: _Job) -> Outcome:
    assert isinstance(job.item, Original)
    if job.item.same_as:
        return Outcome.rejected(f"same file: as {job.item.same_as}")
    try:
        return Outcome.accepted(scan_file(job.path, settings))
    except UnusableError as error:
        return Outcome.rejected(str(error))


def _candidates(project: Project, originals: Iterable[Original]) -> Iterator[Candidate]:
    """The stretches of all originals that could be scanned, in the order of originals and time."""
    scans = project.records("scan", Scan)
    for original in originals:
        if original.id in scans:
            for span in scans[original.id].spans:
                name = text_digest(f"{original.sha256} {span.first} {span.after}")[:16]
                yield Candidate(id=name, original=original.id, span=span)


def _cut(config: Config, job: _Job) -> Outcome:
    assert isinstance(job.item, Candidate)
    try:
        return Outcome.accepted(cut_file(job.path, job.item.span, Project(config).clip(job.id), config.segment))
    except UnusableError as error:
        return Outcome.rejected(str(error))


def _settle(project: Project, found: list[Candidate], licences: Mapping[str, str]) -> Counter[Status]:
    """What became of each stretch; clips that are no more are deleted, and what a killed run left."""
    settings, cuts = project.config.segment, project.rows("cut")
    made = project.records("cut", Cut)
    clips = {one.id: _clip(one, made[one.id], licences) for one in found if one.id in made}
    twins = near_duplicates([*clips.values()], pictures=settings.near_pictures, sounds=settings.near_sounds)
    outcomes = []
    for one in found:
        if fault := fault_of(one.span, settings):
            outcome = Outcome.rejected(fault)
        elif one.id in twins:
            outcome = Outcome.rejected(f"near duplicate: of {twins[one.id]}", clips[one.id])
        elif one.id in clips:
            outcome = Outcome.accepted(clips[one.id])
        else:
            outcome = Outcome(status=cuts[one.id].status, reason=cuts[one.id].reason)
        outcomes.append((one, outcome))
    project.settle(
        Stage(STAGE, settings.model_dump(mode="json", exclude={"time_limit"}), lambda one: one.span.model_dump()),
        outcomes,
    )
    kept = {project.clip(name) for name in clips}
    for file in (project.folder / "clips").glob("*"):
        if _OWN.fullmatch(file.name) and file not in kept:
            file.unlink()
    return Counter(outcome.status for _, outcome in outcomes)


def _clip(one: Candidate, cut: Cut, licences: Mapping[str, str]) -> Clip:
    span = one.span
    return Clip(
        id=one.id,
        original=one.original,
        start=span.start,
        end=span.end,
        fps=round(span.frames / (span.end - span.start), 3),
        motion=span.motion,
        richness=span.richness,
        loudness=span.loudness,
        licence=licences[one.original],
        **cut.model_dump(),
    )
