"""What became of everything in a project, and how far to trust it: the funnel, the judges, agreement, gold."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

from .llm import Calls
from .mine.stage import account
from .project import Project, Status
from .records import Verdict, Vote
from .verify import Agreement, Findings, Rate, Trust, cohen_kappa, krippendorff_alpha

STAGES = ("scan", "segment", "describe", "mine", "write")  # whose rows are items; those of `verify` are verdicts
STATUSES: tuple[Status, ...] = ("accepted", "rejected", "pending")


@dataclass(frozen=True)
class Through:
    """What became of the items of a stage; `reasons`: status → reason → number, the most frequent first."""

    stage: str
    items: int
    accepted: int
    rejected: int
    pending: int
    reasons: dict[str, dict[str, int]]


@dataclass(frozen=True)
class Judged:
    """A judge's verdicts on triplets, not on controls; `faults`: how often each point did not hold."""

    judge: str
    verdicts: int
    accepted: int
    faults: dict[str, int]
    trust: Trust | None


@dataclass(frozen=True)
class Reviewed:
    """A person's votes, the last on each triplet, and their errors on controls: wrong ones accepted, right rejected."""

    reviewer: str
    votes: int
    accepted: int
    false_accepts: Rate
    false_rejects: Rate


@dataclass(frozen=True)
class Review:
    """How far people are: triplets with all votes that they need, with some and with none, and votes on them."""

    enough: int
    some: int
    none: int
    votes: int


@dataclass(frozen=True)
class Agreed:
    """How far judges, or people, agree on triplets."""

    who: list[str]
    measure: str
    found: Agreement


@dataclass(frozen=True)
class Asked:
    """What a model at a server took in a stage; `uncounted` calls have no known cost."""

    stage: str
    model: str
    calls: int
    read: int
    written: int
    cost: float
    uncounted: int


@dataclass(frozen=True)
class Report:
    """A project's numbers.

    Parameters
    ----------
    stages: those that have run, in their order.
    mining: for each kind of pair how many candidates there were and what they fell out by.
    judges, people, review, agreement: see their types.
    gold: status → reason → number of triplets.
    calls: of models at servers.
    """

    stages: list[Through]
    mining: dict[str, dict[str, int]]
    judges: list[Judged]
    people: list[Reviewed]
    review: Review
    agreement: list[Agreed]
    gold: dict[str, dict[str, int]]
    calls: list[Asked]

    def describe(self) -> dict[str, Any]:
        """Plain values for JSON; what is not known (NaN) is None."""
        described: dict[str, Any] = _plain(asdict(self))
        return described


def report(project: Project) -> Report:
    """The numbers of a project as it stands; nothing is written."""
    found = Findings(project)
    verdicts = [one for one in found.verdicts if not one.control]
    votes = _last_votes(found)
    enough = project.config.review.reviewers
    gold: dict[str, Counter[str]] = {}
    for standing in found.standings.values():
        gold.setdefault(standing.status, Counter())[standing.reason.partition(":")[0]] += 1
    totals = Calls.of(project).totals
    return Report(
        stages=[through for stage in STAGES if (through := _through(project, stage)).items],
        mining=account(project).get("funnel", {}),
        judges=_judged(verdicts, found.trust),
        people=_reviewed(votes, found.human_errors),
        review=_review(found.texts, votes, enough),
        agreement=[
            *_agreed((one.judge, one.pair, one.accept) for one in verdicts),
            *_agreed((one.reviewer, one.pair, one.accept) for one in _first(votes, enough)),
        ],
        gold={status: dict(reasons.most_common()) for status, reasons in sorted(gold.items())},
        calls=[Asked(stage, model, **asdict(total)) for (stage, model), total in sorted(totals.items())],
    )


def _through(project: Project, stage: str) -> Through:
    counts = project.counts(stage)
    totals = {status: sum(found.values()) for status, found in counts.items()}
    accepted, rejected, pending = (totals.get(status, 0) for status in STATUSES)
    reasons: dict[str, dict[str, int]] = {status: found for status, found in counts.items() if status != "accepted"}
    return Through(stage, accepted + rejected + pending, accepted, rejected, pending, reasons)


def _judged(verdicts: Sequence[Verdict], trust: dict[str, Trust]) -> list[Judged]:
    found = []
    for judge in sorted({one.judge for one in verdicts} | trust.keys()):
        own = [one for one in verdicts if one.judge == judge]
        faults = Counter(name for one in own for name in one.criteria.faults)
        found.append(Judged(judge, len(own), sum(one.accept for one in own), dict(faults), trust.get(judge)))
    return found


def _last_votes(found: Findings) -> list[Vote]:
    """The last vote of each person on each triplet, oldest first."""
    votes = sorted(found.votes, key=lambda one: one.at)
    return list({(one.pair, one.reviewer): one for one in votes if one.pair in found.texts}.values())


def _first(votes: Iterable[Vote], enough: int) -> list[Vote]:
    """The first votes on each triplet, as many as are needed. One more is asked only where people are split, and would
    make them seem to agree otherwise than they do."""
    seen: Counter[str] = Counter()
    found = []
    for one in votes:
        seen[one.pair] += 1
        if seen[one.pair] <= enough:
            found.append(one)
    return found


def _review(triplets: Collection[str], votes: Sequence[Vote], enough: int) -> Review:
    counts = Counter(one.pair for one in votes)
    done, begun = sum(counts[pair] >= enough for pair in triplets), sum(counts[pair] > 0 for pair in triplets)
    return Review(done, begun - done, len(triplets) - begun, len(votes))


def _reviewed(votes: Sequence[Vote], errors: Mapping[str, tuple[Rate, Rate]]) -> list[Reviewed]:
    counts, accepts = Counter(one.reviewer for one in votes), Counter(one.reviewer for one in votes if one.accept)
    return [Reviewed(who, counts[who], accepts[who], *errors[who]) for who in sorted(errors)]


def _agreed(said: Iterable[tuple[str, str, bool]]) -> list[Agreed]:
    """Alpha of all who said of pairs whether they accept them, and kappa of each two who have judged the same."""
    labels: dict[str, dict[str, bool]] = {}
    for who, pair, accept in said:
        labels.setdefault(who, {})[pair] = accept
    names = sorted(labels)
    pairs = sorted({pair for own in labels.values() for pair in own})
    given = {name: [labels[name].get(pair) for pair in pairs] for name in names}
    if len(names) < 2:
        return []
    found = [Agreed(names, "Krippendorff's alpha", krippendorff_alpha([given[name] for name in names]))]
    for two in combinations(names, 2):
        kappa = cohen_kappa(*(given[name] for name in two))
        if kappa.items:
            found.append(Agreed(list(two), "Cohen's kappa", kappa))
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and math.isnan(value) else value
