"""What is mined: the described clips of a project, the split of each, and their vectors in the two spaces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from ....errors import RunError
from ....items import Item
from ....media import Workers
from ..embedder import Embedder, media_of
from ..gates import Space
from ..project import Project
from ..records import Clip, Description, Split
from .calibration import random_pairs
from .moments import Moments
from .similarity import Matrix
from .splits import split_of

Spaces = dict[Space, Embedder]


def described_clips(project: Project) -> list[Clip]:
    """The clips that were cut and described, sorted by id."""
    described = {one.clip for one in project.accepted("describe", Description)}
    clips = (clip for clip in project.accepted("segment", Clip) if clip.id in described)
    return sorted(clips, key=lambda clip: clip.id)


def splits_of(project: Project) -> dict[str, Split]:
    """The split of each original; clips that were turned down, as near-duplicates are, tie originals too."""
    settings = project.config.mine
    clips = list(project.records("segment", Clip).values())
    shares: dict[Split, float] = {"train": settings.train, "dev": settings.dev, "test": settings.test}
    return split_of(clips, shares, settings.near, settings.seed)


def spaces_of(project: Project, cache: Path | None, pool: Workers) -> Spaces:
    """The encoders of the two spaces; one that serves both is loaded once."""
    settings = project.config.mine
    if settings.visual == settings.audio:
        both = Embedder(settings.visual, ["video", "audio"], settings.device, cache, pool)
        return {"visual": both, "audio": both}
    return {
        "visual": Embedder(settings.visual, ["video"], settings.device, cache, pool),
        "audio": Embedder(settings.audio, ["audio"], settings.device, cache, pool),
    }


def vectors_of(project: Project, clips: Sequence[Clip], spaces: Spaces, *, show: bool) -> dict[Space, Matrix]:
    """Unit vectors float32 `(clips, d)` in each space, which is given only what it is about; zeros for nothing."""
    media = [media_of(project.clip(clip.id), clip.sha256) for clip in clips]
    named = list(zip((clip.id for clip in clips), media, strict=True))
    items: dict[Space, list[Item]] = {
        "visual": [Item(name, video=file) for name, file in named],
        "audio": [Item(name, audio=file) for name, file in named],
    }
    return {space: spaces[space].vectors(own, "document", show=show) for space, own in items.items() if own}


@dataclass(frozen=True)
class Material:
    """Clips, sorted by id, that have a vector in both spaces."""

    clips: list[Clip]
    moments: Moments
    vectors: dict[Space, Matrix]

    @classmethod
    def of(cls, project: Project, clips: list[Clip], spaces: Spaces, *, show: bool) -> Self:
        """Those of some clips. Raises `RunError` where no two of them are apart."""
        vectors = vectors_of(project, clips, spaces, show=show)
        full = np.all([own.any(axis=1) for own in vectors.values()], axis=0) if clips else np.zeros(0, bool)
        if clips and not full.all():
            rows = np.flatnonzero(full)
            clips, vectors = [clips[i] for i in rows], {name: own[rows] for name, own in vectors.items()}
        settings = project.config.mine
        moments = Moments.of(clips, settings.seed)
        if not len(random_pairs(moments, settings.sampled, settings.apart, settings.seed)):
            raise RunError(
                f"{project.folder}: no two of {len(clips)} described clips with picture and sound are apart, so there "
                "is no pair to mine; add videos, or see `mmret annotate report` for what fell out before"
            )
        return cls(clips, moments, vectors)
