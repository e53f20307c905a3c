"""Exact ranks: how many candidates stand above a document, and how many level with it, on every machine alike.

A float32 product decides what lies outside its proven error bound; exact arithmetic decides the close calls.
"""

from ...vectors import VectorSets
from .counting import MAX_BYTES, count, count_maxsim, count_with
from .listed import count_scores
from .scorers import Scorer
from .standing import Counts, without
from .topk import gallery_scores, scorer_of, top_k

__all__ = [
    "MAX_BYTES",
    "Counts",
    "Scorer",
    "VectorSets",
    "count",
    "count_maxsim",
    "count_scores",
    "count_with",
    "gallery_scores",
    "scorer_of",
    "top_k",
    "without",
]
