"""How a benchmark came about, as plain values: settings, models, prompts, and what became of everything."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

from ....items import text_digest
from ..config import Config
from ..llm import Prompt
from ..project import Project
from ..records import Description, Instruction
from ..report import STAGES, Report, report
from ..verify import Findings
from ..verify.gold import LLM
from .triplets import Chosen

OFFLINE = "offline"
# Addresses of servers, and the folders in which weights lie here: "omni:/home/ann/weights" is told as "omni:weights".
_PLACE = re.compile(r'@https?://[^\s"]+|(?<=:)/(?!/)(?:[^",+/]*/)*(?=[^"/])', re.IGNORECASE)
_PRIVATE: dict[str, Any] = {
    "project": {"folder", "ray"}, "source": {"__all__": {"folder"}}, "export": {"folder"},
    "endpoint": True, "budget": True,
}  # fmt: skip


@dataclass(frozen=True)
class Account:
    """How a benchmark came about.

    Parameters
    ----------
    settings: of the project; where its folders and servers stand concerns nobody.
    digests: stage → digest over what became of all its items; "votes" beside them.
    made_by: what was done ("description", "text", "judgement") → by whom → how often, of what goes out.
    prompts: those that models were asked with.
    left_out: why triplets do not go out → their number.
    report: the numbers of the project; people are numbered.
    """

    settings: Mapping[str, Any]
    digests: Mapping[str, str]
    made_by: Mapping[str, Mapping[str, int]]
    prompts: list[Prompt]
    left_out: Mapping[str, int]
    report: Report

    @property
    def fingerprint(self) -> str:
        """Of all that decides the benchmark, 16 hex digits."""
        return text_digest(json.dumps(self.describe(), sort_keys=True))[:16]

    def describe(self) -> dict[str, Any]:
        """Plain values."""
        prompts = {prompt.name: prompt.digest for prompt in self.prompts}
        return {
            "mmret": version("mmret"), "settings": self.settings, "digests": self.digests, "made_by": self.made_by,
            "prompts": prompts, "left_out": self.left_out, "report": self.report.describe(),
        }  # fmt: skip


def account_of(project: Project, chosen: Chosen) -> Account:
    """The account of what goes out of a project."""
    return Account(
        settings_of(project.config), digests_of(project), _made_by(project, chosen), _prompts(project.config),
        chosen.left_out, _without_names(report(project)),
    )  # fmt: skip


def settings_of(config: Config) -> dict[str, Any]:
    """All settings that concern others."""
    shown: dict[str, Any] = json.loads(_PLACE.sub("", json.dumps(config.model_dump(mode="json", exclude=_PRIVATE))))
    return shown


def digests_of(project: Project) -> dict[str, str]:
    """A digest for each stage that has run, over its items in the order of their ids, and one over the votes."""
    rows = {stage: sorted(project.rows(stage).items()) for stage in (*STAGES, "verify")}
    found = {stage: [row.model_dump(mode="json") for _, row in own] for stage, own in rows.items() if own}
    votes = sorted((vote.model_dump(mode="json") for vote in Findings(project).votes), key=json.dumps)
    return {name: text_digest(json.dumps(own)) for name, own in {**found, "votes": votes}.items() if own}


def _made_by(project: Project, chosen: Chosen) -> dict[str, dict[str, int]]:
    pairs = {one.pair.id for one in chosen.triplets}
    clips = {name for one in chosen.triplets for name in (one.pair.source, one.pair.target)}
    who = {
        "description": [one.made_by for one in project.accepted("describe", Description) if one.clip in clips],
        "text": [one.made_by for one in project.accepted("write", Instruction) if one.pair in pairs],
        "judgement": [one.judge for one in Findings(project).verdicts if one.pair in pairs and not one.control],
    }
    return {what: dict(sorted(Counter(names).items())) for what, names in who.items()}


def _prompts(config: Config) -> list[Prompt]:
    asked = {
        "describe": config.describe.by != OFFLINE,
        "write": config.write.by != OFFLINE,
        "judge": any(name.startswith(LLM) for name in config.verify.judges),
    }
    return [Prompt.named(name) for name, whether in asked.items() if whether]


def _without_names(report: Report) -> Report:
    """People have a right not to be named on a data card."""
    number = {one.reviewer: f"reviewer {i}" for i, one in enumerate(report.people, 1)}
    people = [replace(one, reviewer=number[one.reviewer]) for one in report.people]
    agreement = [replace(one, who=[number.get(name, name) for name in one.who]) for one in report.agreement]
    return replace(report, people=people, agreement=agreement)
