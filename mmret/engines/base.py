"""Who does work: this process, processes beside it, threads, or a cluster, behind the same three names."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from itertools import islice
from typing import Any, Protocol, TypeVar

from ..errors import MmretError
from ..media import Fault

T = TypeVar("T")
ATTEMPTS = 3  # how often a task is begun whose worker is lost


class Executor(Protocol):
    """Workers that all can do any work: `mmret.media.Workers`, threads, `Here`, or a cluster's."""

    count: int

    def submit(self, function: Callable[..., Any], *arguments: object) -> Future[Any]:
        """Start `function(*arguments)`."""

    def result_of(self, future: Future[Any]) -> Any:
        """What it returned, or a `Fault` where it or its worker failed."""


class Here:
    """This process: work is done when it is submitted, and what it raises is raised by `result_of`."""

    count = 1

    def submit(self, function: Callable[..., Any], *arguments: object) -> Future[Any]:
        """Do `function(*arguments)`."""
        future: Future[Any] = Future()
        try:
            future.set_result(function(*arguments))
        except Exception as error:  # raised again by `result_of`
            future.set_exception(error)
        return future

    def result_of(self, future: Future[Any]) -> Any:
        """What it returned. Raises what it raised."""
        return future.result()


def as_done(
    items: Iterable[T], work: Callable[[T], Any], executor: Executor, ahead: int = 2
) -> Iterator[list[tuple[T, Any]]]:
    """Items with what became of `work(item)`, those together that ended together.

    `ahead` items for each worker are under way. After an `MmretError` no more are begun; those under way are given, and
    then it is raised.
    """
    queue = iter(items)
    running: dict[Future[Any], T] = {}
    trouble: MmretError | None = None
    while True:
        free = 0 if trouble else ahead * executor.count - len(running)
        running |= {executor.submit(work, item): item for item in islice(queue, free)}
        if not running:
            break
        done = []
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            item = running.pop(future)
            try:
                done.append((item, executor.result_of(future)))
            except MmretError as error:
                trouble = trouble or error
        yield done
    if trouble:
        raise trouble


def share(
    groups: Sequence[Sequence[T]], work: Callable[[T, T | None], Any], crew: Sequence[Executor]
) -> Iterator[tuple[T, Any]]:
    """Tasks in groups, with what became of `work(task, next)`, as they end.

    A member of the crew works on one task at a time, on those of a group in a row, and has groups of its own: it is
    told the first task of its next group, None where there is none, and can prepare for it. Who has done all of its own
    helps the others. A task whose worker is lost is begun again, `ATTEMPTS` times in all.
    """
    queues = [deque(groups[number :: len(crew)]) for number in range(len(crew))]
    current: list[deque[T]] = [deque() for _ in crew]
    running: dict[Future[Any], tuple[int, T, int]] = {}

    def begin(number: int) -> None:
        own, longest = queues[number], max(queues, key=len)
        if not current[number] and (own or longest):
            current[number].extend(own.popleft() if own else longest.pop())
        if current[number]:
            start(number, current[number].popleft(), 1)

    def start(number: int, task: T, attempt: int) -> None:
        following = queues[number][0][0] if queues[number] else None
        running[crew[number].submit(work, task, following)] = number, task, attempt

    for number in range(len(crew)):
        begin(number)
    while running:
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            number, task, attempt = running.pop(future)
            outcome = crew[number].result_of(future)
            if isinstance(outcome, Fault) and outcome.lost and attempt < ATTEMPTS:
                start(number, task, attempt + 1)
                continue
            yield task, outcome
            begin(number)
