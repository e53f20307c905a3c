"""Judges of triplets, controls that try the judges, how far they agree, and what counts as gold."""

from .agreement import Agreement, cohen_kappa, krippendorff_alpha
from .cases import cases_of
from .gold import Standing, standings
from .judge import Case, Judge, Judgement, Side
from .results import human_controls_of, human_errors_of, standings_of, trust_of, verdicts_of, votes_of
from .stage import verify_project
from .trust import Rate, Trust

__all__ = [
    "Agreement",
    "Case",
    "Judge",
    "Judgement",
    "Rate",
    "Side",
    "Standing",
    "Trust",
    "cases_of",
    "cohen_kappa",
    "human_controls_of",
    "human_errors_of",
    "krippendorff_alpha",
    "standings",
    "standings_of",
    "trust_of",
    "verdicts_of",
    "verify_project",
    "votes_of",
]
