"""A part of the embedding, for one of several jobs that share a vector store."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from ..benchmarks import Benchmark
from ..encoders import PairScorer
from ..errors import InputError
from .devices import device_name
from .embedding import Embedding
from .prepare import prepared
from .protocols import protocols_of
from .settings import Settings


@dataclass(frozen=True)
class Shard:
    """The tasks of a plan whose numbers leave `number` when they are divided by `count`."""

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """From "0/3". Raises `InputError` for what is none."""
        match = re.fullmatch(r"(\d+)/(\d+)", text)
        if match is None or int(match[1]) >= int(match[2]):
            raise InputError(f"--shard takes I/N with I from 0 to N - 1, such as 0/3, not {text!r}")
        return cls(int(match[1]), int(match[2]))


@dataclass(frozen=True)
class Progress:
    """Batches of a plan: all, those that this job embedded, and those that no job has embedded yet."""

    batches: int
    embedded: int
    left: int


def embed_shard(
    benchmark: Benchmark, model: str, shard: Shard, settings: Settings | None = None, *, show: bool = False
) -> Progress:
    """Embed a part of what `evaluate` with the same settings would embed, and keep it in the store.

    All jobs have to be given the same benchmark and settings: these decide the plan. Once nothing is left, `evaluate`
    finds all vectors; before, it embeds the rest itself.
    """
    settings = settings or Settings()
    with prepared(benchmark, model, protocols_of(benchmark, settings.protocols), settings, show=show) as ready:
        if isinstance(ready.model, PairScorer):
            raise InputError(f"{model} has no vectors, so that there is nothing to embed in parts")
        replica = ready.replica(ready.model)
        embedding = Embedding(replica, ready.sides, ready.store, settings.batch_size)
        mine = [task for task in embedding.left() if task[0].number % shard.count == shard.number]
        if mine:
            with (ready.crew or replica.alone)() as crew:
                embedding.measure(crew, settings.cost_items, device_name(ready.device))
                embedding.run(crew, mine, show=show)
        return Progress(*(sum(map(len, tasks)) for tasks in (embedding.tasks, mine, embedding.left())))
