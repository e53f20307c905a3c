"""What verifying told of a project: verdicts, how far the judges are to be trusted, votes, and what is gold."""

from __future__ import annotations

from functools import cached_property

from ..project import Project
from ..records import Instruction, Verdict, Vote
from ..votes import read_votes, standing
from .cases import cases_of
from .controls import Control, plant
from .gold import Standing, standings
from .judge import Case
from .trust import Rate, Trial, Trust

STAGE = "verify"


class Findings:
    """What verifying told of a project as it stands; each part is read or worked out once, when it is first asked for.

    Raises `InputError` for state that cannot be read.
    """

    def __init__(self, project: Project) -> None:
        self._project = project

    @cached_property
    def cases(self) -> list[Case]:
        """All pairs that have a text; see `cases_of`."""
        return cases_of(self._project)

    @cached_property
    def controls(self) -> list[Control]:
        """The controls among the cases."""
        settings = self._project.config.verify
        return plant(self.cases, settings.controls, settings.seed)

    @cached_property
    def human_controls(self) -> list[Control]:
        """The controls that people get: the first of those that the judges get, unless people get more."""
        settings = self._project.config
        return plant(self.cases, settings.review.controls, settings.verify.seed)

    @cached_property
    def verdicts(self) -> list[Verdict]:
        """All verdicts, on controls too."""
        return list(self._project.records(STAGE, Verdict).values())

    @cached_property
    def texts(self) -> dict[str, str]:
        """Pair → the text that is asked."""
        return {one.pair: one.phrasings[0] for one in self._project.accepted("write", Instruction)}

    @cached_property
    def votes(self) -> list[Vote]:
        """All votes of people that stand, on controls too, in the order in which they were cast; none before anybody
        voted.

        Votes that were taken back do not stand, nor do those on a text that has been rewritten since.
        """
        return [
            Vote.model_validate(line.model_dump(include=set(Vote.model_fields)))
            for line in standing(read_votes(self._project.votes))
            if line.text in (None, self.texts.get(line.pair, line.text))
        ]

    @cached_property
    def trust(self) -> dict[str, Trust]:
        """What the controls that a judge gave a verdict on say of it, by its name."""
        controls = {control.case.id: control for control in self.controls}
        accepted = {(one.judge, one.pair): one.accept for one in self.verdicts if one.control}
        trials: dict[str, list[Trial]] = {}
        for (judge, name), accept in sorted(accepted.items()):
            if name in controls:
                trials.setdefault(judge, []).append(_trial(controls[name], accept))
        most = self._project.config.verify.false_accepts
        return {judge: Trust.of(judge, own, most) for judge, own in trials.items()}

    @cached_property
    def human_errors(self) -> dict[str, tuple[Rate, Rate]]:
        """Of everybody who voted, the errors on controls: known-wrong ones accepted, and known-right ones rejected."""
        controls = {control.case.id: control for control in self.human_controls}
        trials: dict[str, list[Trial]] = {}
        for vote in {(one.reviewer, one.pair): one for one in self.votes}.values():
            own = trials.setdefault(vote.reviewer, [])
            if vote.pair in controls:
                own.append(_trial(controls[vote.pair], vote.accept))
        return {
            who: (Rate.of([one for one in own if not one.right]), Rate.of([one for one in own if one.right]))
            for who, own in trials.items()
        }

    @cached_property
    def standings(self) -> dict[str, Standing]:
        """What became of each pair that has a text, by id; see `standings`."""
        trusted = {name for name, trust in self.trust.items() if trust.trusted}
        return standings(self.texts, self.verdicts, self.votes, trusted, self._project.config.review.reviewers)


def _trial(control: Control, accepted: bool) -> Trial:
    return Trial(control.of, control.made, control.right, accepted)
