"""Exact ranks: how many candidates stand above a document, and how many level with it, on every machine alike.

A float32 product decides what lies outside its proven error bound; exact arithmetic decides the close calls.
"""

from ...vectors import VectorSets
from .counting import Standings, count, count_maxsim, count_with
from .kinds import scorer_of
from .listed import count_scores
from .rounding import Scores, gallery_scores
from .scorers import Scorer
from .standing import Counts, without
from .sweep import MAX_BYTES, Aim, sweep
from .topk import Best, top_k

__all__ = [
    "MAX_BYTES",
    "Aim",
    "Best",
    "Counts",
    "Scorer",
    "Scores",
    "Standings",
    "VectorSets",
    "count",
    "count_maxsim",
    "count_scores",
    "count_with",
    "gallery_scores",
    "scorer_of",
    "sweep",
    "top_k",
    "without",
]
