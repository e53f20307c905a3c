"""Memory of this process as the kernel counts it (Linux)."""

from __future__ import annotations

from pathlib import Path


def megabytes(field: str) -> float:
    """A field of /proc/self/status, in MB: VmRSS now, VmHWM at most so far, RssAnon without files that are mapped.

    Of a process that another one started, `getrusage` would count in the peak of that one.
    """
    return int(Path("/proc/self/status").read_text().split(f"{field}:")[1].split()[0]) * 1024 / 1e6
