"""The file that a team sends: a run and its description, packed and checked without a server."""

from .check import MAX_BYTES, MAX_ENTRIES, check, read_description
from .declared import DECLARED, joined, read_declared
from .description import BenchmarkFacts, CostFacts, Description, ModelFacts, RunFacts
from .form import PARQUET, SUFFIX, run_digest
from .ground import Ground
from .pack import facts_of_benchmark, facts_of_result, pack
from .report import Fault, Report, Severity

__all__ = [
    "DECLARED",
    "MAX_BYTES",
    "MAX_ENTRIES",
    "PARQUET",
    "SUFFIX",
    "BenchmarkFacts",
    "CostFacts",
    "Description",
    "Fault",
    "Ground",
    "ModelFacts",
    "Report",
    "RunFacts",
    "Severity",
    "check",
    "facts_of_benchmark",
    "facts_of_result",
    "joined",
    "pack",
    "read_declared",
    "read_description",
    "run_digest",
]
