"""Engines by name: who works here, and who on a Ray cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal, get_args

from ..media import Workers
from .base import Executor
from .processes import processes

EngineName = Literal["local", "ray"]
ENGINES: tuple[EngineName, ...] = get_args(EngineName)


@contextmanager
def connected(engine: EngineName, address: str | None = None) -> Iterator[None]:
    """Within the block the engine is there; for "ray" see `mmret.engines.cluster.connected`."""
    if engine == "local":
        yield
        return
    from . import cluster

    with cluster.connected(address):
        yield


@contextmanager
def open_crew(engine: EngineName, count: int, *, gpus: bool) -> Iterator[Sequence[Executor]]:
    """So many workers of an engine that is connected, each of which keeps what it loads; ended with the block.

    Parameters
    ----------
    gpus: whether each has a GPU of its own, under the name "cuda".
    """
    if engine == "local":
        with processes(count, gpus=gpus) as crew:
            yield crew
        return
    from .cluster import actors

    with actors(count, gpus=gpus) as crew:
        yield crew


@contextmanager
def open_executor(
    count: int | None, time_limit: float, kind: str = "decoder", ray: str | None = None
) -> Iterator[Executor]:
    """Workers for files, each of which may take so many seconds; ended with the block.

    Parameters
    ----------
    count: how many; None for one a core, on this machine at most 8.
    kind: what they are called in faults.
    ray: address of a Ray cluster that they work on, "local" for one that is started here; None for this machine.
    """
    if ray is None:
        with Workers(count, time_limit, kind) as workers:
            yield workers
        return
    from . import cluster

    with cluster.connected(ray), cluster.actors(count or cluster.cores(), time_limit=time_limit, kind=kind) as crew:
        yield cluster.Cluster(crew)
