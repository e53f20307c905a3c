"""How good: exact ranks, measures, statistics, and the main job that joins a benchmark and an encoder."""

from .evaluate import Settings, evaluate
from .oracle import oracle_vectors
from .protocols import PROTOCOLS, Protocol, protocols_of
from .results import Result, load_result
from .summary import MEASURES, Summary, score_vectors

__all__ = [
    "MEASURES",
    "PROTOCOLS",
    "Protocol",
    "Result",
    "Settings",
    "Summary",
    "evaluate",
    "load_result",
    "oracle_vectors",
    "protocols_of",
    "score_vectors",
]
