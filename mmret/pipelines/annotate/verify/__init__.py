"""Judges of triplets, controls that try the judges, how far they agree, and what counts as gold."""

from .agreement import Agreement, cohen_kappa, krippendorff_alpha
from .gold import Standing, standings
from .judge import Case, Judge, Judgement, Side
from .results import Findings
from .stage import verify_project
from .trust import Rate, Trust

__all__ = [
    "Agreement",
    "Case",
    "Findings",
    "Judge",
    "Judgement",
    "Rate",
    "Side",
    "Standing",
    "Trust",
    "cohen_kappa",
    "krippendorff_alpha",
    "standings",
    "verify_project",
]
