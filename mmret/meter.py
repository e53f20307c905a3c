"""What a run costs: seconds, items and arithmetic a stage, and the peak of its memory."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Stage:
    """Wall seconds spent in a stage, the items it worked on, and floating-point operations where they are counted.

    `flops` is NaN once a part of the stage runs where they cannot be counted.
    """

    seconds: float = 0.0
    items: int = 0
    flops: float = 0.0


class Meter:
    """Adds up stages. A stage inside another interrupts it, so that the seconds of all stages add up to wall time.

    Attributes
    ----------
    stages: what was spent here.
    elsewhere: what these stages needed beside it: work of other processes, and work done before whose outcome was kept.
    operations: reads a running count of floating-point operations; 0 while nobody counts.
    """

    def __init__(self) -> None:
        self.stages: dict[str, Stage] = {}
        self.elsewhere: dict[str, Stage] = {}
        self.operations: Callable[[], float] = lambda: 0.0
        self._running: list[str] = []
        self._since = 0.0
        self._counted = 0.0

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

    def add_elsewhere(self, name: str, seconds: float, items: int = 1) -> None:
        """Note work of the stage `name` that did not take its time here."""
        spent = self.elsewhere.setdefault(name, Stage())
        spent.seconds += seconds
        spent.items += items

    def add_flops(self, count: float) -> None:
        """Charge operations that `operations` does not see to the running stage; NaN where nobody knows them."""
        if self._running:
            self.stages[self._running[-1]].flops += count

    def _charge(self) -> None:
        now, counted = time.perf_counter(), self.operations()
        if self._running:
            self.stages[self._running[-1]].seconds += now - self._since
            self.stages[self._running[-1]].flops += counted - self._counted
        self._since, self._counted = now, counted

    def take(self) -> dict[str, Stage]:
        """What each stage took, which is then forgotten; where others did its work, theirs in place of waiting."""
        spent = self.stages | self.elsewhere
        self.stages, self.elsewhere = {}, {}
        return spent

    def report(self) -> dict[str, dict[str, float | int]]:
        """`{stage: {"seconds": float, "items": int}}` in the order in which the stages first ran."""
        return _plain(self.stages)

    def report_elsewhere(self) -> dict[str, dict[str, float | int]]:
        """The same of what the stages needed beside this process."""
        return _plain(self.elsewhere)


def _plain(stages: Mapping[str, Stage]) -> dict[str, dict[str, float | int]]:
    return {name: {"seconds": round(s.seconds, 3), "items": s.items} for name, s in stages.items()}


def peak_rss_mb() -> float:
    """Peak resident memory of this process so far, in MB (10^6 bytes)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak * (1 if sys.platform == "darwin" else 1024) / 1e6, 1)
