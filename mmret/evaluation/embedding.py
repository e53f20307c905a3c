"""Items to vectors through the store: what is there is read, what is not is embedded batch by batch and kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

from ..encoders import Cuts, Vectors, VectorStore
from ..engines import ATTEMPTS, share
from ..errors import MmretError, RunError, first_ten
from ..items import Item, Side, text_digest
from ..media import Fault
from ..progress import bar
from ..vectors import matrix_of
from .checks import check_vectors
from .plan import Batch, Task, left, plan
from .replica import Crew, Outcome, Replica

FLOAT32 = 4  # bytes of a number that is kept


@dataclass(frozen=True)
class Embedded:
    """The vectors of both sides.

    Parameters
    ----------
    vectors: float32 `(items, d)`, or sets of them.
    costs: what an item costs, see `mmret.evaluation.cost`, and the mean `bytes` of its vectors; empty where it was
        never measured for these items on this device.
    cut: `{"texts": items with a text, "cut": those of which it is not read to its end}`; a side whose texts nobody
        counts is left out.
    warnings: what a reader of the result should know of how the vectors were made.
    peak_device_mb: peak of the memory torch took of a device elsewhere; None where nothing was embedded elsewhere.
    """

    vectors: dict[Side, Vectors]
    costs: dict[Side, dict[str, Any]]
    cut: dict[Side, dict[str, int]]
    warnings: list[str] = field(default_factory=list)
    peak_device_mb: float | None = None


class Embedding:
    """A model, items of each side, and the stores that have, or will have, their vectors.

    Parameters
    ----------
    replica: the model; its encoder names the stores, also where others embed.
    sides: the items; equal contents share their vectors.
    cache: the folder that holds the stores.
    batch_size: items embedded and kept at a time, so that a run that is stopped goes on where it stood.
    """

    def __init__(self, replica: Replica, sides: Mapping[Side, Sequence[Item]], cache: Path, batch_size: int) -> None:
        self._sides, self._encoder, self._meter = sides, replica.encoder, replica.meter
        with self._meter.stage("read vectors"):
            self._stores = {side: VectorStore(cache, self._encoder, side) for side in sides}
        self.tasks = plan(sides, batch_size)
        self._squeezed = 0
        self._peak: float | None = None

    def left(self) -> list[Task]:
        """What of the tasks has no vectors yet."""
        with self._meter.stage("read vectors"):
            rest = [left(task, lambda side, digests: self._stores[side].missing(digests)) for task in self.tasks]
        return [task for task in rest if task]

    def measure(self, crew: Crew, items: int, device: str) -> None:
        """Measure what an item of each side costs, where that was never done for them on this device, and keep it."""
        sides = {side: own for side, own in self._sides.items() if self._cost(side, device) is None}
        if not items or not sides:
            return
        member = crew.members[0]
        outcome = member.result_of(member.submit(crew.worker.cost, sides, items))
        costs: dict[Side, dict[str, Any]] = _answer(outcome, "measuring what an item costs")
        for side, cost in costs.items():
            self._stores[side].keep_cost(self._measured(side, device), cost)

    def run(self, crew: Crew, tasks: Sequence[Task], *, show: bool) -> None:
        """Embed what is left of tasks; each batch is kept as soon as it is there."""
        total = sum(len(batch.items) for task in tasks for batch in task)
        with bar(total, f"embed by {self._encoder.spec.name}", "item", show=show) as progress:
            ended = share(tasks, crew.worker.embed, crew.members)
            while True:
                with self._meter.stage("embed"):
                    batch, outcome = next(ended, (None, None))
                if batch is None:
                    return
                self._keep(batch, _answer(outcome, _named(batch)))
                progress.update(len(batch.items))

    def _keep(self, batch: Batch, outcome: Outcome) -> None:
        store = self._stores[batch.side]
        check_vectors(self._encoder, outcome.vectors, batch.items, batch.side, store.width)
        with self._meter.stage("write vectors", items=len(batch.items)):
            store.add([item.digest for item in batch.items], outcome.vectors, outcome.cut)
        for name, stage in outcome.spent.items():
            self._meter.add_elsewhere(name, stage.seconds, stage.items)
        self._squeezed += outcome.squeezed
        if outcome.peak_device_mb is not None:
            self._peak = max(self._peak or 0.0, outcome.peak_device_mb)

    def read(self, device: str) -> Embedded:
        """The vectors of all items, and what making them on a device costs."""
        vectors: dict[Side, Vectors] = {}
        digests = {side: [item.digest for item in items] for side, items in self._sides.items()}
        for side, store in self._stores.items():
            with self._meter.stage("read vectors", items=len(digests[side])):
                vectors[side] = store.get(digests[side])
        widths = {side: matrix_of(one).shape[1] for side, one in vectors.items()}
        if len(set(widths.values())) > 1:
            raise RunError(f"model {self._encoder.spec.name!r} returned vectors of different length: {widths}")
        costs = {side: cost for side in self._stores if (cost := self._cost(side, device)) is not None}
        sizes = {side: FLOAT32 * prod(matrix_of(one).shape) / len(digests[side]) for side, one in vectors.items()}
        sized = {side: cost | {"bytes": sizes[side]} for side, cost in costs.items()}
        return Embedded(vectors, sized, self._cut(), self._warnings(), self._peak)

    def _cost(self, side: Side, device: str) -> dict[str, Any] | None:
        return self._stores[side].cost(self._measured(side, device))

    def _measured(self, side: Side, device: str) -> str:
        """What a cost is kept by: tables cost other than clips, and each view of a table other than the next."""
        items = text_digest("\n".join(sorted({item.digest for item in self._sides[side]})))
        return f"{device}, items {items[:16]}"

    def _cut(self) -> dict[Side, dict[str, int]]:
        if not isinstance(self._encoder, Cuts):
            return {}
        told = {side: [item.digest for item in items if item.text is not None] for side, items in self._sides.items()}
        return {side: {"texts": len(some), "cut": self._stores[side].cut(some)} for side, some in told.items() if some}

    def _warnings(self) -> list[str]:
        damaged = [path for store in self._stores.values() for path in store.damaged]
        found = [f"damaged vectors were made again: {first_ten(damaged)}; see mmret cache verify"] if damaged else []
        if self._squeezed:
            found.append(
                f"{self._squeezed} batches did not fit into the memory of the device and were embedded in parts: "
                "vectors may differ from those of other devices by rounding"
            )
        return found


def embed_sides(
    replica: Replica,
    sides: Mapping[Side, Sequence[Item]],
    cache: Path,
    *,
    batch_size: int,
    cost_items: int,
    device: str,
    show: bool,
    crew: Callable[[], AbstractContextManager[Crew]] | None = None,
) -> Embedded:
    """Vectors of all items of each side; equal contents share theirs.

    Parameters
    ----------
    replica, sides, cache, batch_size: see `Embedding`.
    cost_items: items of each side whose cost is measured; 0 for none.
    device: its name; costs are kept by it and by the items.
    crew: opens those who embed what is missing, if anything is; the replica itself unless given.
    """
    embedding = Embedding(replica, sides, cache, batch_size)
    if rest := embedding.left():
        with (crew or replica.alone)() as members:
            embedding.measure(members, cost_items, device)
            embedding.run(members, rest, show=show)
    return embedding.read(device)


def _answer(outcome: Any, what: str) -> Any:
    """An outcome that is no failure."""
    if isinstance(outcome, MmretError):
        raise outcome
    if isinstance(outcome, Fault):
        tried = f", {ATTEMPTS} times" if outcome.lost else ""
        raise RunError(f"{what}: {outcome.reason}{tried}; what was embedded before is kept")
    return outcome


def _named(batch: Batch) -> str:
    return f"batch {batch.number} ({batch.side} {first_ten([item.id for item in batch.items])})"
