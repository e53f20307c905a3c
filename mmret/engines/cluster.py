"""Workers on a Ray cluster, which is given by its address or started on this machine.

Each worker is an actor that keeps what it loads, such as a model. Its machine must have mmret installed and see the
same files under the same paths.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import InputError, RunError
from ..extras import need
from ..media import Fault, Workers
from ..media.workers import guarded


@contextmanager
def connected(address: str | None) -> Iterator[None]:
    """Within the block Ray is there.

    Parameters
    ----------
    address: of a cluster; "local" for one that is started on this machine for the block; None for that of
        `RAY_ADDRESS`, else "local".

    Raises `InputError` when Ray is not installed, `RunError` when no cluster answers at the address.
    """
    ray = _ray()
    if ray.is_initialized():
        yield
        return
    where = address or os.environ.get("RAY_ADDRESS") or "local"
    try:
        ray.init(address=where, logging_level=logging.ERROR, log_to_driver=False)
    except (ConnectionError, ValueError) as error:
        said, *_ = str(error).split("\n")
        raise RunError(f"no Ray cluster can be had at {where!r}: {said}") from error
    try:
        yield
    finally:
        ray.shutdown()


def gpus() -> int:
    """GPUs of the cluster that is connected."""
    return _there("GPU")


def cores() -> int:
    """Cores of the cluster that is connected."""
    return _there("CPU")


def _there(resource: str) -> int:
    return int(_ray().cluster_resources().get(resource, 0))


class Actor:
    """One worker of the cluster; when it dies, another takes its place."""

    count = 1

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._actor = make()

    def submit(self, function: Callable[..., Any], *arguments: object) -> Future[Any]:
        """Start `function(*arguments)`, both picklable."""
        future: Future[Any] = self._actor.run.remote(function, *arguments).future()
        return future

    def result_of(self, future: Future[Any]) -> Any:
        """What the function returned, or a `Fault` when it raised or the worker was lost."""
        from ray.exceptions import RayError, RayTaskError

        try:
            return future.result()
        except RayTaskError as error:  # arguments or an outcome that cannot be pickled
            return Fault(" ".join(str(error.cause).split()))
        except RayError as error:
            self.close()
            self._actor = self._make()
            return Fault(f"a worker on the cluster was lost ({type(error).__name__})", lost=True)

    def close(self) -> None:
        """End the worker."""
        _ray().kill(self._actor)


class Cluster:
    """The workers of a cluster as one executor: work goes to the least busy of them.

    Parameters
    ----------
    crew: the workers.
    """

    def __init__(self, crew: Sequence[Actor]) -> None:
        self.count = len(crew)
        self._busy = dict.fromkeys(crew, 0)
        self._mine: dict[Future[Any], Actor] = {}

    def submit(self, function: Callable[..., Any], *arguments: object) -> Future[Any]:
        """Start `function(*arguments)`, both picklable."""
        actor = min(self._busy, key=self._busy.__getitem__)
        future = actor.submit(function, *arguments)
        self._busy[actor] += 1
        self._mine[future] = actor
        return future

    def result_of(self, future: Future[Any]) -> Any:
        """What the function returned, or a `Fault`."""
        actor = self._mine.pop(future)
        self._busy[actor] -= 1
        return actor.result_of(future)


@contextmanager
def actors(
    count: int, *, gpus: bool = False, time_limit: float | None = None, kind: str = "worker"
) -> Iterator[list[Actor]]:
    """A crew on the cluster that is connected, ended with the block.

    Parameters
    ----------
    gpus: whether each has a GPU of its own, under the name "cuda"; otherwise each has a core.
    time_limit, kind: as of `mmret.media.Workers`; with a limit, work is done in a process beside the actor, which can
        be ended.

    Raises `InputError` when the cluster has less than that.
    """
    resource = "GPU" if gpus else "CPU"
    if count > _there(resource):
        raise InputError(f"the Ray cluster has {_there(resource)} {resource}s, too few for {count} workers")
    needs = {"num_gpus": 1, "num_cpus": 0} if gpus else {"num_cpus": 1}
    # Ray would give one thread to each; their number decides the last bits of vectors, so it is that of this machine.
    threads = os.environ.get("OMP_NUM_THREADS") or str(os.cpu_count() or 1)
    environment = {"env_vars": {"OMP_NUM_THREADS": threads}}
    host = _ray().remote(_Host).options(scheduling_strategy="SPREAD", runtime_env=environment, **needs)
    crew = [Actor(partial(host.remote, str(Path.cwd()), sys.path, time_limit, kind)) for _ in range(count)]
    try:
        yield crew
    finally:
        for actor in crew:
            actor.close()


class _Host:
    """What an actor is made of."""

    def __init__(self, folder: str, path: Sequence[str], time_limit: float | None, kind: str) -> None:
        with suppress(OSError):  # another machine may lack the folder that the command runs in
            os.chdir(folder)
        sys.path += [place for place in path if place not in sys.path]
        self._workers = None if time_limit is None else Workers(1, time_limit, kind)

    def run(self, function: Callable[..., Any], *arguments: object) -> Any:
        """What the function returns, or a `Fault`."""
        if self._workers is None:
            return guarded(function, *arguments)
        return self._workers.result_of(self._workers.submit(function, *arguments))


def _ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a cluster that is started here tells nobody about it
    need("work on a cluster", "ray", "ray")
    import ray

    return ray
