"""Work on media files in child processes: a decoder that crashes or hangs takes nothing else down."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Self

from pebble import ProcessExpired, ProcessPool


@dataclass(frozen=True)
class Fault:
    """Why a file could not be worked on, in a few words."""

    reason: str


def default_workers() -> int:
    """One decoding process for each core, at most 8."""
    return min(os.cpu_count() or 1, 8)


class Workers:
    """A pool of decoding processes with a time limit for each file.

    Parameters
    ----------
    count: child processes, `default_workers()` unless given.
    time_limit: seconds after which the work on one file is ended and its process replaced.
    kind: what the processes are called in faults.
    files: after how many files a process is replaced; 0 for never.
    """

    def __init__(
        self, count: int | None = None, time_limit: float = 60.0, kind: str = "decoder", files: int = 0
    ) -> None:
        self.count = count or default_workers()
        self._kind = kind
        self.time_limit = time_limit
        # A child forked from a process that runs threads of torch or FFmpeg may hang; a fork server has none.
        self._pool = ProcessPool(self.count, max_tasks=files, context=multiprocessing.get_context("forkserver"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the child processes, finished or not."""
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()

    def submit(self, function: Callable[..., Any], *arguments: object) -> Future[Any]:
        """Start `function(*arguments)`, both picklable; take the outcome with `result_of`."""
        return self._pool.schedule(_guarded, args=[function, *arguments], timeout=self.time_limit)

    def result_of(self, future: Future[Any]) -> Any:
        """What the function returned, or a `Fault` when it raised, crashed or ran past the time limit."""
        try:
            return future.result()
        except TimeoutError:
            return Fault(f"the {self._kind} did not end within {self.time_limit:g} s")
        except ProcessExpired as expired:
            return Fault(f"the {self._kind} crashed (exit code {expired.exitcode})")

    def map(self, function: Callable[..., Any], arguments: Iterable[object]) -> Iterator[Any]:
        """`function(argument)` for each argument, in order, a few ahead of the consumer."""
        waiting: deque[Future[Any]] = deque()
        for argument in arguments:
            waiting.append(self.submit(function, argument))
            if len(waiting) > 3 * self.count:
                yield self.result_of(waiting.popleft())
        while waiting:
            yield self.result_of(waiting.popleft())


def _guarded(function: Callable[..., Any], *arguments: object) -> Any:
    """Errors travel as values: many exceptions of the decoders cannot be pickled."""
    try:
        return function(*arguments)
    except Exception as error:  # whatever a decoder raises on a damaged file is the answer
        return Fault(" ".join(str(error).split()) or type(error).__name__)
