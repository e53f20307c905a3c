"""Projects that are ready for export: clips whose bytes name a look and a voice, texts, verdicts and votes."""

from __future__ import annotations

from collections.abc import Callable, Collection
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from mmret.encoders.base import Spec
from mmret.pipelines.annotate.config import Config
from mmret.pipelines.annotate.project import Outcome, Project, Stage
from mmret.pipelines.annotate.records import Criteria, Description, Instruction, PairRow, Verdict
from mmret.pipelines.annotate.verify import Case, Findings
from mmret.pipelines.annotate.votes import VoteLine, keep_vote

from ..described import annotation
from ..test_mine_pairs import clip

KINDS = ("audio-center", "visual-center", "integrated")
Says = Callable[[Case, bool | None], bool]


class Toy:
    """A file's bytes name a look and a voice, as "3 1": a direction each."""

    spec = Spec("toy", "1", frozenset({"video", "audio"}), frozenset({"video", "audio"}), "", "CC0")

    def __init__(self, options):
        self.preprocessing = {}

    def embed(self, items, side):
        rows = np.zeros((len(items), 16), np.float32)
        for row, item in zip(rows, items, strict=True):
            with (item.video or item.audio).open() as file:
                look, voice = file.read().decode().split("#")[0].split()
            row[int(look if item.video else voice)] = 1.0
        return rows


def make_project(folder: Path, *, films: int = 4, clips: int = 4, pairs: int = 6, **sections: Any) -> Project:
    """`films` originals of `clips` clips each; pair i joins clips of film i and the next."""
    config = {
        "project": {"folder": folder / "project", "name": "toys"},
        "source": [{"name": "own", "folder": folder, "licence": "CC-BY 4.0", "link": "https://example.org/films"}],
        "mine": {"visual": "toy", "audio": "toy"},
        "verify": {"judges": ["llm:good@http://127.0.0.1:9/v1"], "false_accepts": 0.9, "others": 2},
        "export": {"folder": folder / "benchmark", "licence": "CC0-1.0", "same_original": 1, "alike": 2},
    }
    for name, changes in sections.items():
        config[name] = {**config.get(name, {}), **changes}
    project = Project(Config.model_validate(config))
    with project:
        project.folder.joinpath("clips").mkdir(exist_ok=True)
        rows = []
        for i in range(films * clips):
            content = f"{i % 5} {i % 3}#{i}"
            one = clip(f"c{i:02}", f"own/film{i // clips}.mp4", 10 * (i % clips), 10 * (i % clips) + 9)
            project.clip(one.id).write_text(content)
            changes = {"sha256": sha256(content.encode()).hexdigest(), "licence": "CC-BY 4.0"}
            rows.append(one.model_copy(update={**changes, "phash": sha256(one.id.encode()).hexdigest()}))
        told = [
            Description(clip=one.id, annotation=annotation(scene=f"place {one.id}"), made_by="offline") for one in rows
        ]
        settle(project, "segment", rows, rows)
        settle(project, "describe", rows, told)
        made = [
            PairRow(
                id=f"{i:016x}", source=f"c{i:02}", target=f"c{(i + clips) % (films * clips):02}", kind=KINDS[i % 3],
                visual=0.5, audio=0.5, split="test",
            )
            for i in range(pairs)
        ]  # fmt: skip
        write(project, made, {pair.id: f"Make it place {pair.target}" for pair in made})
    return project


def settle(project: Project, stage: str, items: Collection[Any], records: Collection[Any]) -> None:
    outcomes = ((item, Outcome.accepted(record)) for item, record in zip(items, records, strict=True))
    project.settle(Stage(stage, {}, lambda one: one.id), outcomes)


def write(project: Project, pairs: list[PairRow], texts: dict[str, str]) -> None:
    """Pairs and their texts, instead of those there are."""
    settle(project, "mine", pairs, pairs)
    made = [Instruction(pair=one.id, phrasings=[texts[one.id], "Something else"], made_by="offline") for one in pairs]
    settle(project, "write", pairs, made)


def careful(case: Case, right: bool | None) -> bool:
    """Finds every known-wrong control, and accepts all triplets."""
    return right is not False


def yes(case: Case, right: bool | None) -> bool:
    """Accepts everything."""
    return True


def judge(project: Project, name: str = "llm:good", says: Says = careful) -> None:
    """Verdicts of one judge on all triplets and controls; `says` is told what is right of a control, None of others."""
    found = Findings(project)
    asked = [(case, None) for case in found.cases] + [(one.case, one.right) for one in found.controls]
    verdicts = []
    for case, right in asked:
        criteria = Criteria(**dict.fromkeys(Criteria.model_fields, says(case, right)))
        verdicts.append(
            Verdict(
                pair=case.id, judge=name, control=right is not None, accept=says(case, right), criteria=criteria,
                reason="looked at it",
            )
        )  # fmt: skip
    with project:
        settle(project, "verify", [case for case, _ in asked], verdicts)


def vote(
    project: Project, pairs: Collection[str], *, accept: bool = True, who: Collection[str] = ("quinn", "xerxes")
) -> None:
    """Votes of people."""
    for pair in pairs:
        for reviewer in who:
            keep_vote(
                project.votes,
                VoteLine(pair=pair, reviewer=reviewer, accept=accept, reason="", at="2026-01-01T00:00:00"),
            )
