"""What is asked: benchmarks, the layouts they are read from, and their names."""

from .base import Benchmark
from .download import bytes_left, fetch
from .draft import Draft, Fault
from .exclusions import Exclusions
from .hide import hide
from .made import make_benchmark
from .provenance import only_provenance
from .published import PublishedTable, published_tables
from .ragged import Ragged
from .registry import (
    Entry,
    benchmarks,
    exclusions_path,
    folder_of,
    load_benchmark,
    read_draft,
    register_benchmark,
    tables_folder,
)
from .remote import Remote
from .sources import NotHereError, Sources
from .usable import media_faults
from .verify import Verification, verify

__all__ = [
    "Benchmark",
    "Draft",
    "Entry",
    "Exclusions",
    "Fault",
    "NotHereError",
    "PublishedTable",
    "Ragged",
    "Remote",
    "Sources",
    "Verification",
    "benchmarks",
    "bytes_left",
    "exclusions_path",
    "fetch",
    "folder_of",
    "hide",
    "load_benchmark",
    "make_benchmark",
    "media_faults",
    "only_provenance",
    "published_tables",
    "read_draft",
    "register_benchmark",
    "tables_folder",
    "verify",
]
