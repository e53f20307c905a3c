"""Projects with clips of the built-in benchmark, and annotations to compare."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from mmret.benchmarks import load_benchmark
from mmret.pipelines.annotate.config import Config
from mmret.pipelines.annotate.project import Outcome, Project, Row
from mmret.pipelines.annotate.records import Clip, Description


def annotation(**changes: Any) -> dict[str, Any]:
    """An annotation as plain values; `changes` are of single fields, wherever they stand."""
    plain: dict[str, Any] = {
        "seen": {
            "scene": "a kitchen by day", "objects": ["two red cups"], "action": "a cook stirs a pot",
            "camera": "close-up, still", "text": ["MENU"],
        },
        "heard": {
            "speech": {"content": "add the salt", "language": "English", "voice": ["calm man"]},
            "music": "", "sounds": [{"source": "thing", "name": "a pot boiling", "when": "throughout"}],
            "course": "quiet, then louder",
        },
    }  # fmt: skip
    for name, value in changes.items():
        part = next(p for p in (plain["seen"], plain["heard"], plain["heard"]["speech"]) if name in p)
        part[name] = value
    return plain


def mini(*classes: str) -> list[Path]:
    """Clips of the built-in benchmark by the class of their sound."""
    folder = load_benchmark("omnicvr-mini").documents[0].media[0].path.parents[1]
    rows = map(json.loads, (folder / "sources.jsonl").read_text().splitlines())
    clips = {row["class"]: row["clips"][0] for row in rows if row.get("clips")}
    return [folder / "videos" / f"{clips[name]}.mp4" for name in classes]


def clip(path: Path, name: str = "") -> Clip:
    return Clip(
        id=name or path.stem, original="videos/secret-film.mp4", start=0.0, end=4.0, fps=12.0, size=(64, 64),
        motion=0.1, richness=0.1, loudness=-20.0, phash="0" * 64, sound_hash="0" * 64,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(), licence="CC0",
    )  # fmt: skip


def project(folder: Path, clips: list[Path], **sections: Any) -> Project:
    """A project whose clips are cut."""
    made = Project(Config.model_validate({"project": {"folder": folder}, **sections}))
    with made:
        made.folder.joinpath("clips").mkdir(exist_ok=True)
        for i, path in enumerate(clips):
            made.clip(f"clip{i}").write_bytes(path.read_bytes())
            row = Outcome.accepted(clip(path, f"clip{i}"))
            made.keep("segment", [Row(id=f"clip{i}", made_by="test", **row.model_dump())])
    return made


def description(name: str, **changes: Any) -> Description:
    return Description(clip=name, annotation=annotation(**changes), made_by="test")
