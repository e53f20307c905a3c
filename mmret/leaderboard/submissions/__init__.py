"""The file that a team sends: a run and its description, packed and checked without a server."""

from .description import BenchmarkFacts, CostFacts, Description, ModelFacts, RunFacts
from .ground import Ground
from .report import Fault, Report, Severity

__all__ = [
    "BenchmarkFacts",
    "CostFacts",
    "Description",
    "Fault",
    "Ground",
    "ModelFacts",
    "Report",
    "RunFacts",
    "Severity",
]
