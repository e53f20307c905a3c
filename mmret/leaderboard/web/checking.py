"""What a process does that checks uploads: little is imported here, because each file has a process of its own."""

from __future__ import annotations

import multiprocessing
import resource
from pathlib import Path

from ...media import Workers
from ..submissions import Ground, Report, check

SECONDS = 120
BYTES = 2 << 30  # memory of a process
READ_BEFORE = (__name__, "pyarrow.parquet", "mmret.leaderboard.submissions.rows")


def checkers(count: int) -> Workers:
    """So many processes, each for one file, forked from one that has read the code already."""
    multiprocessing.get_context("forkserver").set_forkserver_preload(list(READ_BEFORE))
    return Workers(count, time_limit=SECONDS, kind="check", files=1)


def check_within(path: Path, ground: Path, memory: int = BYTES) -> Report:
    """Check a file; in a process whose memory is bounded from here on."""
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    return check(path, Ground.load(ground))
