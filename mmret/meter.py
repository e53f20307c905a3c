"""What a run costs: seconds and items a stage, and the peak of its memory."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Stage:
    """Wall seconds spent in a stage and the items it worked on."""

    seconds: float = 0.0
    items: int = 0


class Meter:
    """Adds up stages. A stage inside another interrupts it, so that the seconds of all stages add up to wall time."""

    def __init__(self) -> None:
        self.stages: dict[str, Stage] = {}
        self._running: list[str] = []
        self._since = 0.0

    @contextmanager
    def stage(self, name: str, items: int = 0) -> Iterator[None]:
        """Charge the time inside the block, and `items`, to the stage `name`."""
        self._charge()
        self.stages.setdefault(name, Stage()).items += items
        self._running.append(name)
        try:
            yield
        finally:
            self._charge()
            self._running.pop()

    def _charge(self) -> None:
        now = time.perf_counter()
        if self._running:
            self.stages[self._running[-1]].seconds += now - self._since
        self._since = now

    def report(self) -> dict[str, dict[str, float | int]]:
        """`{stage: {"seconds": float, "items": int}}` in the order in which the stages first ran."""
        return {name: {"seconds": round(s.seconds, 3), "items": s.items} for name, s in self.stages.items()}


def peak_rss_mb() -> float:
    """Peak resident memory of this process so far, in MB (10^6 bytes)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak * (1 if sys.platform == "darwin" else 1024) / 1e6, 1)
