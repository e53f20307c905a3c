"""Exact ranks: how many candidates stand above a document, and how many level with it, on every machine alike.

A float32 product decides what lies outside its proven error bound; exact arithmetic decides the close calls.
"""

from .counting import MAX_BYTES, count, count_maxsim
from .listed import count_scores
from .maxsim import VectorSets
from .standing import Counts, without
from .topk import gallery_scores, top_k

__all__ = [
    "MAX_BYTES",
    "Counts",
    "VectorSets",
    "count",
    "count_maxsim",
    "count_scores",
    "gallery_scores",
    "top_k",
    "without",
]
