"""What is asked: benchmarks, the layouts they are read from, and their names."""

from .base import Benchmark
from .draft import Draft, Fault
from .exclusions import Exclusions
from .published import PublishedTable, published_tables
from .ragged import Ragged
from .registry import Entry, benchmarks, exclusions_path, folder_of, load_benchmark, read_draft, register_benchmark
from .usable import media_faults
from .verify import Verification, verify

__all__ = [
    "Benchmark",
    "Draft",
    "Entry",
    "Exclusions",
    "Fault",
    "PublishedTable",
    "Ragged",
    "Verification",
    "benchmarks",
    "exclusions_path",
    "folder_of",
    "load_benchmark",
    "media_faults",
    "published_tables",
    "read_draft",
    "register_benchmark",
    "verify",
]
