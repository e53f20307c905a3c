"""What verifying told of a project: verdicts, how far the judges are to be trusted, votes, and what is gold."""

from __future__ import annotations

from collections.abc import Sequence

from ..project import Project
from ..records import Instruction, Verdict, Vote
from ..votes import read_votes, standing
from .cases import cases_of
from .controls import Control, plant
from .gold import Standing, standings
from .judge import Case
from .trust import Rate, Trial, Trust

STAGE = "verify"


def controls_of(project: Project, cases: Sequence[Case]) -> list[Control]:
    """The controls that a project plants among cases."""
    settings = project.config.verify
    return plant(cases, settings.controls, settings.seed)


def human_controls_of(project: Project, cases: Sequence[Case]) -> list[Control]:
    """The controls that people get: the first of those that the judges get, unless people get more."""
    return plant(cases, project.config.review.controls, project.config.verify.seed)


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


def human_errors_of(project: Project) -> dict[str, tuple[Rate, Rate]]:
    """Of everybody who voted, the errors on controls: known-wrong ones accepted, and known-right ones rejected."""
    controls = {one.case.id: one for one in human_controls_of(project, cases_of(project))}
    trials: dict[str, list[Trial]] = {}
    for vote in {(one.reviewer, one.pair): one for one in votes_of(project)}.values():
        own = trials.setdefault(vote.reviewer, [])
        if vote.pair in controls:
            one = controls[vote.pair]
            own.append(Trial(one.of, one.made, one.right, vote.accept))
    return {
        who: (Rate.of([one for one in own if not one.right]), Rate.of([one for one in own if one.right]))
        for who, own in trials.items()
    }


def votes_of(project: Project) -> list[Vote]:
    """All votes of people that stand, on controls too, in the order in which they were cast; none before anybody voted.

    Votes that were taken back do not stand, nor do those on a text that has been rewritten since.
    """
    texts = {one.pair: one.phrasings[0] for one in project.accepted("write", Instruction)}
    lines = [
        line for line in standing(read_votes(project.votes)) if line.text in (None, texts.get(line.pair, line.text))
    ]
    return [Vote.model_validate(line.model_dump(include=set(Vote.model_fields))) for line in lines]


def standings_of(project: Project) -> dict[str, Standing]:
    """What became of each pair that has a text, by id; see `standings`."""
    pairs = [one.pair for one in project.accepted("write", Instruction)]
    trusted = {name for name, trust in trust_of(project).items() if trust.trusted}
    return standings(pairs, verdicts_of(project), votes_of(project), trusted, project.config.review.reviewers)
