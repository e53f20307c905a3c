"""The file that a team sends: a run and its description, packed and checked without a server."""

from .check import MAX_BYTES, MAX_ENTRIES, check, read_description
from .description import BenchmarkFacts, CostFacts, Description, ModelFacts, RunFacts
from .form import SUFFIX, run_digest
from .ground import Ground
from .pack import facts_of_benchmark, facts_of_result, pack
from .report import Fault, Report, Severity

__all__ = [
    "MAX_BYTES",
    "MAX_ENTRIES",
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
    "pack",
    "read_description",
    "run_digest",
]
