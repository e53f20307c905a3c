"""Mining as a stage of a project: clips in, pairs out, and an account of what fell out by what."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ....encoders import fingerprint
from ....items import text_digest
from ....media import Workers
from ....whole import write_whole
from ..project import Outcome, Project, Stage
from ..records import Clip
from .calibration import Calibration
from .material import Material, Spaces, described_clips, spaces_of, splits_of
from .pairs import Mined, calibrated, mine

STAGE = "mine"


def mine_project(
    project: Project, *, workers: int | None = None, cache: Path | None = None, show: bool = False
) -> dict[str, Any]:
    """Mine the described clips of a project, keep the pairs, and give the account that `account` reads.

    Clips, encoders and settings that are those of the last time are not mined again. Raises `RunError` where no two
    clips are apart.
    """
    settings = project.config.mine
    with Workers(workers) as pool:
        spaces = spaces_of(project, cache, pool)
        clips = described_clips(project)
        made_by = _made_by(project, clips, spaces)
        known = account(project)
        if known.get("made_by") == made_by:
            return known
        there = Material.of(project, clips, spaces, show=show)
    splits = splits_of(project)
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
        there = Material.of(project, described_clips(project), spaces_of(project, cache, pool), show=show)
    return calibrated(there.moments, there.vectors, settings)[0]


def account(project: Project) -> dict[str, Any]:
    """What the last mining told: `clips`, `without` vector, `funnel`, `splits` and `calibration`; empty before it."""
    path = _path(project)
    told: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return told


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
    write_whole(_path(project), json.dumps(told, indent=1).encode(), way_out="free some space")
    return account(project)


def _path(project: Project) -> Path:
    return project.folder / "state" / f"{STAGE}.json"
