"""How good: exact ranks, measures, statistics, runs, and the main job that joins a benchmark and an encoder."""

from .blind import evaluate_with_blind
from .compare import Ranking, compare_results
from .evaluate import evaluate
from .exports import EXPORTS, export
from .labels import Galleries, Labels, read_galleries, read_qrels
from .matrix import Cell, all_views, run_matrix
from .measures import Measure, Values
from .oracle import oracle_vectors
from .protocols import PROTOCOLS, Protocol, protocols_of
from .results import Result, load_result
from .runs import Run, read_run, write_run
from .score_run import RunScores, score_run, score_run_on
from .settings import Settings
from .shard import Shard, embed_shard
from .summary import MEASURES, Summary, score_vectors, usual_measures

__all__ = [
    "EXPORTS",
    "MEASURES",
    "PROTOCOLS",
    "Cell",
    "Galleries",
    "Labels",
    "Measure",
    "Protocol",
    "Ranking",
    "Result",
    "Run",
    "RunScores",
    "Settings",
    "Shard",
    "Summary",
    "Values",
    "all_views",
    "compare_results",
    "embed_shard",
    "evaluate",
    "evaluate_with_blind",
    "export",
    "load_result",
    "oracle_vectors",
    "protocols_of",
    "read_galleries",
    "read_qrels",
    "read_run",
    "run_matrix",
    "score_run",
    "score_run_on",
    "score_vectors",
    "usual_measures",
    "write_run",
]
