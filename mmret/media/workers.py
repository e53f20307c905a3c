"""Work on media files in child processes: a decoder that crashes or hangs takes nothing else down."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future
from dataclasses import dataclass
from functools import partial
from multiprocessing.context import ForkServerContext, ForkServerProcess
from threading import Lock
from typing import Any, Self

from pebble import ProcessExpired, ProcessPool

from ..items import Item

ATTEMPTS = 3  # to begin what a process that was lost may not have begun


@dataclass(frozen=True)
class Fault:
    """Why something could not be worked on, in a few words.

    `lost` is whether the worker ended, which may be no fault of the work.
    """

    reason: str
    lost: bool = False


_starting = Lock()


class _Process(ForkServerProcess):
    """A process that does not run the main module again: it may be a notebook, standard input, or an unguarded script.

    Nothing in it is needed: what the processes work on is found in modules.
    """

    def start(self) -> None:
        main = sys.modules["__main__"]
        with _starting:
            spec, file = main.__spec__, vars(main).pop("__file__", None)
            main.__spec__ = None
            try:
                super().start()
            finally:
                main.__spec__ = spec
                if file is not None:
                    main.__file__ = file


class _Context(ForkServerContext):
    # A child forked from a process that runs threads of torch or FFmpeg may hang; a fork server has none.
    Process = _Process


def default_workers() -> int:
    """One decoding process for each core, at most 8."""
    return min(os.cpu_count() or 1, 8)


class Workers:
    """A pool of decoding processes with a time limit for each file. A process that ends is replaced.

    Parameters
    ----------
    count: child processes, `default_workers()` unless given.
    time_limit: seconds after which the work on one file is ended and its process replaced; None for no limit.
    kind: what the processes are called in faults.
    files: after how many files a process is replaced; 0 for never.
    begin: what each process does first, picklable.

    Attributes
    ----------
    coming: what encoders will be given after the items at hand, for loaders to decode ahead.
    """

    def __init__(
        self,
        count: int | None = None,
        time_limit: float | None = 60.0,
        kind: str = "decoder",
        files: int = 0,
        begin: Callable[[], object] | None = None,
    ) -> None:
        self.count = count or default_workers()
        self._kind, self._files, self._begin = kind, files, begin
        self.time_limit = time_limit
        self.coming: Sequence[Item] = ()
        self._closed = False
        self._pool = self._new_pool()

    def _new_pool(self) -> ProcessPool:
        return ProcessPool(self.count, max_tasks=self._files, initializer=self._begin, context=_Context())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the child processes, finished or not."""
        self._closed = True
        self._end_pool()

    def _end_pool(self) -> None:
        self._pool.stop()
        self._pool.join()

    def submit(self, function: Callable[..., Any], *arguments: object) -> Future[Any]:
        """Start `function(*arguments)`, both picklable; take the outcome with `result_of`."""
        if not self._pool.active and not self._closed:  # all processes ended while none was known to be at work
            self._end_pool()
            self._pool = self._new_pool()
        future: Any = self._pool.schedule(guarded, args=[function, *arguments], timeout=self.time_limit)
        future.again = partial(self.submit, function, *arguments)
        return future

    def result_of(self, future: Future[Any]) -> Any:
        """What the function returned, or a `Fault` when it raised, crashed or ran past the time limit."""
        for _ in range(ATTEMPTS):
            try:
                return future.result()
            except TimeoutError:
                return Fault(f"the {self._kind} did not end within {self.time_limit:g} s")
            except ProcessExpired as expired:
                return Fault(f"the {self._kind} crashed (exit code {expired.exitcode})", lost=True)
            except BrokenExecutor:  # a process ended before it told what it was at: all that waited is begun again
                future = vars(future)["again"]()
        return Fault(f"the {self._kind} ended before it began, {ATTEMPTS} times", lost=True)

    def map(self, function: Callable[..., Any], arguments: Iterable[object]) -> Iterator[Any]:
        """`function(argument)` for each argument, in order, a few ahead of the consumer."""
        waiting: deque[Future[Any]] = deque()
        for argument in arguments:
            waiting.append(self.submit(function, argument))
            if len(waiting) > 3 * self.count:
                yield self.result_of(waiting.popleft())
        while waiting:
            yield self.result_of(waiting.popleft())


def guarded(function: Callable[..., Any], *arguments: object) -> Any:
    """Errors travel as values: many exceptions of the decoders cannot be pickled."""
    try:
        return function(*arguments)
    except Exception as error:  # whatever a decoder raises on a damaged file is the answer
        return Fault(" ".join(str(error).split()) or type(error).__name__)
