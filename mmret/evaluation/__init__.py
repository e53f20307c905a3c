"""How good: exact ranks, measures, statistics, and the main job that joins a benchmark and an encoder."""

from .evaluate import MEASURES, Settings, evaluate
from .protocols import PROTOCOLS, Protocol, protocols_of
from .results import Result, load_result

__all__ = ["MEASURES", "PROTOCOLS", "Protocol", "Result", "Settings", "evaluate", "load_result", "protocols_of"]
