"""Mining as a stage of a project: clips in, pairs out, and an account of what fell out by what."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ....encoders import fingerprint
from ....errors import RunError
from ....items import Item, text_digest
from ....media import Workers
from ..embedder import Embedder, media_of
from ..gates import Space
from ..project import Outcome, Project, Stage
from ..records import Clip, Description, Split
from .calibration import Calibration, random_pairs
from .moments import Moments
from .pairs import Mined, calibrated, mine
from .similarity import Matrix
from .splits import split_of

STAGE = "mine"
Spaces = dict[Space, Embedder]


def mine_project(
    project: Project, *, workers: int | None = None, cache: Path | None = None, show: bool = False
) -> dict[str, Any]:
    """Mine the described clips of a project, keep the pairs, and give the account that `account` reads.

    Clips, encoders and settings that are those of the last time are not mined again. Raises `RunError` where no two
    clips are apart.
    """
    settings = project.config.mine
    with Workers(workers) as pool:
        spaces = _spaces(project, cache, pool)
        clips = _clips(project)
        made_by = _made_by(project, clips, spaces)
        known = account(project)
        if known.get("made_by") == made_by:
            return known
        splits = _splits(project)
        there = _Vectors.of(project, clips, spaces, show=show)
    mined = mine(there.moments, [splits[clip.original] for clip in there.clips], there.vectors, settings, show=show)
    del there  # what is to be written needs the room
    stage = Stage(STAGE, {"made_by": made_by}, lambda pair: pair.model_dump(mode="json"))
    project.settle(stage, ((pair, Outcome.accepted(pair)) for pair in mined.rows()))
    return _keep_account(project, made_by, clips, mined)


def calibrate_project(
    project: Project, *, workers: int | None = None, cache: Path | None = None, show: bool = False
) -> Calibration:
    """How similar the described clips of a project are, and what its conditions would let pass; nothing is kept."""
    settings = project.config.mine
    with Workers(workers) as pool:
        there = _Vectors.of(project, _clips(project), _spaces(project, cache, pool), show=show)
    return calibrated(there.moments, there.vectors, settings)[0]


def account(project: Project) -> dict[str, Any]:
    """What the last mining told: `clips`, `without` vector, `funnel`, `splits` and `calibration`; empty before it."""
    path = _path(project)
    told: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return told


@dataclass(frozen=True)
class _Vectors:
    """Clips, sorted by id, that have a vector in both spaces."""

    clips: list[Clip]
    moments: Moments
    vectors: dict[Space, Matrix]

    @classmethod
    def of(cls, project: Project, clips: list[Clip], spaces: Spaces, *, show: bool) -> _Vectors:
        """Each space is given only what it is about."""
        media = [media_of(project.clip(clip.id), clip.sha256) for clip in clips]
        named = list(zip((clip.id for clip in clips), media, strict=True))
        items: dict[Space, list[Item]] = {
            "visual": [Item(name, video=file) for name, file in named],
            "audio": [Item(name, audio=file) for name, file in named],
        }
        vectors = {space: spaces[space].vectors(own, "document", show=show) for space, own in items.items() if own}
        full = np.all([own.any(axis=1) for own in vectors.values()], axis=0) if clips else np.zeros(0, bool)
        if clips and not full.all():
            rows = np.flatnonzero(full)
            clips, vectors = [clips[i] for i in rows], {name: own[rows] for name, own in vectors.items()}
        settings = project.config.mine
        moments = Moments.of(clips, settings.seed)
        if not len(random_pairs(moments, settings.sampled, settings.apart, settings.seed)):
            raise RunError(
                f"{project.folder}: no two of {len(clips)} described clips are apart, so there is no pair to mine; "
                "add videos, or see `mmret annotate report` for what fell out before"
            )
        return cls(clips, moments, vectors)


def _spaces(project: Project, cache: Path | None, pool: Workers) -> Spaces:
    settings = project.config.mine
    return {
        "visual": Embedder(settings.visual, ["video"], settings.device, cache, pool),
        "audio": Embedder(settings.audio, ["audio"], settings.device, cache, pool),
    }


def _clips(project: Project) -> list[Clip]:
    """The clips that were cut and described, sorted by id."""
    described = {one.clip for one in project.accepted("describe", Description)}
    clips = (clip for clip in project.accepted("segment", Clip) if clip.id in described)
    return sorted(clips, key=lambda clip: clip.id)


def _splits(project: Project) -> dict[str, Split]:
    """The split of each original; clips that were turned down, as near-duplicates are, tie originals too."""
    settings = project.config.mine
    records = [row.record for row in project.rows("segment").values()]
    clips = [Clip.model_validate(one) for one in records if one is not None and "phash" in one]  # others were not cut
    shares: dict[Split, float] = {"train": settings.train, "dev": settings.dev, "test": settings.test}
    return split_of(clips, shares, settings.near, settings.seed)


def _made_by(project: Project, clips: list[Clip], spaces: Spaces) -> str:
    """Fingerprint of all that decides the pairs."""
    ties = sorted(f"{name} {row.made_by} {row.status}" for name, row in project.rows("segment").items())
    encoders = {space: fingerprint(own.encoder) for space, own in spaces.items()}
    decisive = [project.config.mine.model_dump(mode="json"), encoders, ties, [clip.id for clip in clips]]
    return text_digest(json.dumps(decisive, sort_keys=True))[:16]


def _keep_account(project: Project, made_by: str, clips: list[Clip], mined: Mined) -> dict[str, Any]:
    splits: dict[str, dict[str, int]] = {}
    for some in mined.taken:
        splits.setdefault(some.split, {})[some.kind] = len(some.pairs)
    told = {
        "made_by": made_by,
        "clips": len(clips),
        "without": len(clips) - len(mined.ids),
        "funnel": mined.funnel,
        "splits": splits,
        "calibration": mined.calibration.describe(),
    }
    path = _path(project)
    unfinished = path.with_suffix(f".{os.getpid()}")
    unfinished.write_text(json.dumps(told, indent=1))
    unfinished.replace(path)
    return account(project)


def _path(project: Project) -> Path:
    return project.folder / "state" / f"{STAGE}.json"
