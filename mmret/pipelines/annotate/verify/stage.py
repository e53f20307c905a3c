"""Verifying as a stage of a project: every judge gets every triplet, and controls among them that it cannot tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....errors import InputError
from ....items import Modality, text_digest
from ....media import Workers
from ..config import Verify
from ..embedder import Embedder
from ..llm import Askers, settle
from ..project import Outcome, Project, Stage, Status, Threads, run_stage
from ..records import Verdict
from .consistency import ConsistencyJudge
from .gold import LLM
from .judge import Case, Judge, Judgement, Side
from .llm import LlmJudge
from .results import STAGE, Findings

CONSISTENCY = "consistency:"


@dataclass(frozen=True)
class Task:
    """A case for a judge."""

    judge: Judge
    case: Case
    control: bool

    @property
    def id(self) -> str:
        """A hash of both."""
        return text_digest(f"{self.judge.name} {self.case.id}")[:16]


def verify_project(
    project: Project, *, workers: int | None = None, cache: Path | None = None, show: bool = False
) -> Counter[Status]:
    """Have every triplet and control judged by each judge, and give the number of verdicts on triplets by status.

    Raises `InputError` for a judge that is not known.
    """
    settings = project.config.verify
    found = Findings(project)
    everything = [(case, False) for case in found.cases] + [(control.case, True) for control in found.controls]
    everything.sort(key=lambda one: text_digest(one[0].id))  # so controls come anywhere
    with Workers(workers) as pool:
        judges = _judges(project, settings, cache, pool, show=show)
        tasks = [Task(judge, case, control) for judge in judges for case, control in everything]
        stage = Stage(STAGE, {}, lambda task: [dict(task.judge.identity), _content(task.case)])
        ready = _at_once(judges, tasks)

        def work(task: Task) -> Outcome:
            return ready.get(task.id) or settle(lambda: _verdict(task, task.judge.judge([task.case])[0]))

        threads = max((judge.threads for judge in judges if isinstance(judge, LlmJudge)), default=1)
        with Threads(threads) as executor:
            run_stage(project, stage, tasks, lambda task: _decided(work(task)), executor, show=show)
    rows, planted = project.rows(STAGE), {task.id for task in tasks if task.control}
    return Counter(row.status for name, row in rows.items() if name not in planted)


def _judges(project: Project, settings: Verify, cache: Path | None, pool: Workers, *, show: bool) -> list[Judge]:
    askers = Askers.of(project)
    made: list[Judge] = []
    for name in dict.fromkeys(settings.judges):
        if name.startswith(LLM):
            media = project.config.describe if settings.media else None
            made.append(LlmJudge(askers.named(name.removeprefix(LLM)), media, project.clip))
        elif name.startswith(CONSISTENCY):
            needs: list[Modality] = ["text", "video", "audio"]
            embedder = Embedder(name.removeprefix(CONSISTENCY), needs, project.config.mine.device, cache, pool)
            made.append(ConsistencyJudge(embedder, settings.rank, project.clip, show=show))
        else:
            raise InputError(f"verify: there is no judge {name!r}; name llm:MODEL@ADDRESS or consistency:ENCODER")
    names = [judge.name for judge in made]
    if len(set(names)) < len(names):
        raise InputError(f"verify: the same judge twice is no second opinion: {', '.join(names)}")
    return made


def _at_once(judges: Sequence[Judge], tasks: Sequence[Task]) -> dict[str, Outcome]:
    """The verdicts of judges that judge all cases together, by task."""
    ready = {}
    for judge in judges:
        own = [task for task in tasks if task.judge is judge] if judge.at_once else []
        judgements = judge.judge([task.case for task in own]) if own else []
        for task, judgement in zip(own, judgements, strict=True):
            ready[task.id] = Outcome.accepted(_verdict(task, judgement))
    return ready


def _verdict(task: Task, judgement: Judgement) -> Verdict:
    return Verdict(
        pair=task.case.id, judge=task.judge.name, control=task.control, accept=judgement.accept,
        criteria=judgement.criteria, reason=judgement.reason,
    )  # fmt: skip


def _decided(outcome: Outcome) -> Outcome:
    """A verdict that does not accept, as a rejection by the points that do not hold."""
    if outcome.record is None or outcome.record["accept"]:
        return outcome
    verdict = Verdict.model_validate(outcome.record)
    faults = ", ".join(verdict.criteria.faults).replace("_", " ")
    return Outcome.rejected(f"not {faults}: {verdict.reason}", verdict)


def _content(case: Case) -> Any:
    """All of a case that decides a judgement."""
    sides = (case.source, case.target, *case.others)
    return [case.text, [_side(side) for side in sides]]


def _side(side: Side) -> Mapping[str, Any]:
    return {"sha256": side.clip.sha256, "annotation": side.description.annotation}
