"""The gold gate: a triplet is gold only where a language model and people accept it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from ..records import TripletStatus, Verdict, Vote

LLM = "llm:"  # how the name of a judge begins that is a language model


@dataclass(frozen=True)
class Standing:
    """What became of a triplet.

    Parameters
    ----------
    reason: for what is not gold; before a colon the part that is counted together.
    llm_accepts: whether a trusted language model accepts it and no trusted judge rejects it, whatever people say.
    """

    status: Literal["gold", "rejected", "pending"]
    reason: str = ""
    llm_accepts: bool = False

    @property
    def label(self) -> TripletStatus:
        """The status under which it is exported."""
        return "llm-accepted" if self.status == "pending" and self.llm_accepts else self.status


def standings(
    pairs: Iterable[str],
    verdicts: Iterable[Verdict],
    votes: Iterable[Vote],
    trusted: Collection[str],
    reviewers: int,
) -> dict[str, Standing]:
    """The standing of each pair.

    Parameters
    ----------
    pairs: ids.
    verdicts, votes: all there are; verdicts on controls are passed over, and of a person the last vote counts.
    trusted: names of the judges whose controls say that they may be trusted. No other judge's word counts, so that one
        that accepts everything makes nothing gold.
    reviewers: people who must have voted; more must accept than reject.
    """
    judged: dict[str, dict[str, bool]] = {}
    for verdict in verdicts:
        if not verdict.control and verdict.judge in trusted:
            judged.setdefault(verdict.pair, {})[verdict.judge] = verdict.accept
    voted: dict[str, dict[str, bool]] = {}
    for vote in sorted(votes, key=lambda vote: vote.at):
        voted.setdefault(vote.pair, {})[vote.reviewer] = vote.accept
    return {pair: _standing(judged.get(pair, {}), voted.get(pair, {}), reviewers) for pair in pairs}


def _standing(judged: Mapping[str, bool], voted: Mapping[str, bool], reviewers: int) -> Standing:
    against = sorted(name for name, accepts in judged.items() if not accepts)
    if against:
        return Standing("rejected", f"rejected by a judge: {', '.join(against)}")
    accepts, llm = sum(voted.values()), any(name.startswith(LLM) for name in judged)
    if len(voted) >= reviewers and 2 * accepts < len(voted):
        return Standing("rejected", f"rejected by people: {len(voted) - accepts} of {len(voted)}", llm)
    if not llm:
        return Standing("pending", "no trusted language model has judged it")
    if len(voted) < reviewers:
        return Standing("pending", f"too few people have voted: {len(voted)} of {reviewers}", llm)
    if 2 * accepts == len(voted):
        return Standing("pending", "people disagree; one more vote decides", llm)
    return Standing("gold", llm_accepts=True)
