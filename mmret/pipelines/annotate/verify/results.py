"""What verifying told of a project: verdicts, how far the judges are to be trusted, votes, and what is gold."""

from __future__ import annotations

from collections.abc import Sequence

from ....lines import read_lines
from ..project import Project
from ..records import Instruction, Verdict, Vote
from .cases import cases_of
from .controls import Control, plant
from .gold import Standing, standings
from .judge import Case
from .trust import Trial, Trust

STAGE = "verify"


def controls_of(project: Project, cases: Sequence[Case]) -> list[Control]:
    """The controls that a project plants among cases."""
    settings = project.config.verify
    return plant(cases, settings.controls, settings.seed)


def verdicts_of(project: Project) -> list[Verdict]:
    """All verdicts, on controls too."""
    rows = project.rows(STAGE).values()
    return [Verdict.model_validate(row.record) for row in rows if row.record is not None]


def trust_of(project: Project) -> dict[str, Trust]:
    """What the controls that a judge gave a verdict on say of it, by its name."""
    settings = project.config.verify
    controls = {control.case.id: control for control in controls_of(project, cases_of(project))}
    accepted = {(one.judge, one.pair): one.accept for one in verdicts_of(project) if one.control}
    trials: dict[str, list[Trial]] = {}
    for (judge, name), accept in sorted(accepted.items()):
        if name in controls:
            one = controls[name]
            trials.setdefault(judge, []).append(Trial(one.of, one.made, one.right, accept))
    return {judge: Trust.of(judge, own, settings.false_accepts) for judge, own in trials.items()}


def votes_of(project: Project) -> list[Vote]:
    """All votes of people, in `state/votes.jsonl`, a line a vote; none before anybody voted."""
    lines = read_lines(project.folder / "state" / "votes.jsonl", "reviewer")
    return [Vote.model_validate({name: row[name] for name in Vote.model_fields}) for _, row in lines]


def standings_of(project: Project) -> dict[str, Standing]:
    """What became of each pair that has a text, by id; see `standings`."""
    pairs = [one.pair for one in project.accepted("write", Instruction)]
    trusted = {name for name, trust in trust_of(project).items() if trust.trusted}
    return standings(pairs, verdicts_of(project), votes_of(project), trusted, project.config.verify.reviewers)
