"""A model at work on batches, in this process or in another one."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..encoders import Cuts, Encoder, Memory, Vectors, create_encoder
from ..engines import Executor, Here
from ..errors import MmretError, RunError
from ..items import Item, Side
from ..media import Workers
from ..meter import Meter, Stage
from ..vectors import VectorSets, matrix_of, offsets_of
from .cost import cost_of_sides
from .devices import peak_device_mb
from .plan import Batch
from .settings import Settings


@dataclass(frozen=True)
class Outcome:
    """What became of a batch.

    Parameters
    ----------
    vectors: of its items.
    cut: digests of the items whose text was not read to its end.
    squeezed: whether it did not fit into the memory of the device and was embedded in parts.
    spent: seconds and items by stage, where they were spent in another process.
    peak_device_mb: peak of the memory torch took of a device there so far.
    """

    vectors: Vectors
    cut: list[str]
    squeezed: bool
    spent: Mapping[str, Stage] = field(default_factory=dict)
    peak_device_mb: float | None = None


@dataclass
class Replica:
    """A model, and what it was made with.

    Parameters
    ----------
    encoder: the model.
    workers, meter, memory: those of its options.
    """

    encoder: Encoder
    workers: Workers
    meter: Meter
    memory: Memory

    def embed(self, batch: Batch, following: Batch | None) -> Outcome:
        """Embed a batch; media of the following one are decoded ahead."""
        self.workers.coming = following.items if following else ()
        with self.meter.stage(f"embed {batch.side}", items=len(batch.items)):
            vectors, whole = _within_memory(self.encoder, batch.items, batch.side)
        return Outcome(vectors, _cut(self.encoder, batch.items), squeezed=not whole)

    def cost(self, sides: Mapping[Side, Sequence[Item]], timed: int) -> dict[Side, dict[str, Any]]:
        """What an item of each side costs, see `cost_of_sides`, and how many weights the model has."""
        costs = cost_of_sides(self.encoder, sides, timed, self.meter, self.memory)
        return {side: cost | {"parameters": self.encoder.spec.parameters} for side, cost in costs.items()}

    def alone(self) -> AbstractContextManager[Crew]:
        """The crew that is this replica, in this process."""
        return nullcontext(Crew([Here()], self))


@dataclass(frozen=True)
class Recipe:
    """What a replica is made of in another process.

    Parameters
    ----------
    model: its reference.
    settings: how it is run.
    device: a torch device there.
    decoders: processes that decode for it; None for one a core.
    """

    model: str
    settings: Settings
    device: str
    decoders: int | None

    def embed(self, batch: Batch, following: Batch | None) -> Outcome | MmretError:
        """`Replica.embed` in this process, whose replica is kept; the error that ends the run, if there is one."""
        try:
            replica = _made(self)
            outcome = replica.embed(batch, following)
        except MmretError as error:
            return error  # raised, it would be a fault of this worker
        return replace(outcome, spent=replica.meter.take(), peak_device_mb=peak_device_mb(self.device))

    def cost(self, sides: Mapping[Side, Sequence[Item]], timed: int) -> dict[Side, dict[str, Any]] | MmretError:
        """`Replica.cost`, likewise."""
        try:
            replica = _made(self)
            costs = replica.cost(sides, timed)
        except MmretError as error:
            return error
        replica.meter.take()  # it is no part of what the batches take
        return costs

    def close(self) -> None:
        """End the decoders of this process, if its replica was made."""
        if _made.cache_info().currsize:
            _made(self).workers.close()
            _made.cache_clear()


@dataclass(frozen=True)
class Crew:
    """Who embeds: the members do what the worker can, a replica for this process and a recipe for all others."""

    members: Sequence[Executor]
    worker: Replica | Recipe


@lru_cache(1)
def _made(recipe: Recipe) -> Replica:
    workers, meter, memory = Workers(recipe.decoders, recipe.settings.time_limit), Meter(), Memory()
    encoder = create_encoder(recipe.model, recipe.settings.options(workers, recipe.device, meter, memory))
    assert isinstance(encoder, Encoder)
    return Replica(encoder, workers, meter, memory)


def _within_memory(encoder: Encoder, items: Sequence[Item], side: Side) -> tuple[Vectors, bool]:
    """Vectors of items, embedded in halves where they do not fit into the device's memory, and whether they fitted."""
    failures = _device_failures()
    try:
        return encoder.embed(items, side), _device_failures() == failures
    except Exception as error:  # torch's class can be named only where torch is loaded; all others go on
        if not _out_of_memory(error):
            raise
        if len(items) == 1:
            raise RunError(
                f"{items[0].id} alone does not fit into the memory of the device: take fewer --frames, "
                "--dtype bfloat16, or a smaller model"
            ) from error
    # Outside of the handler, whose traceback keeps the tensors alive.
    sys.modules["torch"].cuda.empty_cache()
    middle = len(items) // 2
    halves = [_within_memory(encoder, half, side)[0] for half in (items[:middle], items[middle:])]
    return _joined(halves), False


def _out_of_memory(error: Exception) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(error, torch.OutOfMemoryError)


def _device_failures() -> int:
    """How often memory of the device ran out so far, also where the encoder itself went on with less at a time."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return 0
    return int(torch.cuda.memory_stats().get("num_ooms", 0))


def _joined(parts: Sequence[Vectors]) -> Vectors:
    rows: NDArray[np.float32] = np.concatenate([np.asarray(matrix_of(part)) for part in parts])
    sizes = [part.sizes for part in parts if isinstance(part, VectorSets)]
    return VectorSets(rows, offsets_of(np.concatenate(sizes))) if sizes else rows


def _cut(encoder: Encoder, items: Sequence[Item]) -> list[str]:
    """Digests of the items of which the encoder does not read the text to its end."""
    told = [item for item in items if item.text is not None]
    if not told or not isinstance(encoder, Cuts):
        return []
    cuts = encoder.cuts([item.text or "" for item in told])
    return [item.digest for item, cut in zip(told, cuts, strict=True) if cut]
