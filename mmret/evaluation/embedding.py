"""Items to vectors through the store: what is there is read, what is not is embedded batch by batch and kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from ..encoders import Cuts, Encoder, Memory, Vectors, VectorStore
from ..errors import RunError
from ..items import Item, Side
from ..meter import Meter
from ..progress import bar
from ..vectors import matrix_of
from .checks import check_vectors
from .cost import cost_of_sides

FLOAT32 = 4  # bytes of a number that is kept


@dataclass(frozen=True)
class Embedded:
    """The vectors of both sides.

    Parameters
    ----------
    vectors: float32 `(items, d)`, or sets of them.
    costs: what an item costs, see `mmret.evaluation.cost`, and the mean `bytes` of its vectors; empty where it was
        never measured on this device.
    cut: `{"texts": items with a text, "cut": those of which it is not read to its end}`; a side whose texts nobody
        counts is left out.
    """

    vectors: dict[Side, Vectors]
    costs: dict[Side, dict[str, Any]]
    cut: dict[Side, dict[str, int]]


def embed_sides(
    encoder: Encoder,
    sides: Mapping[Side, Sequence[Item]],
    cache: Path,
    *,
    batch_size: int,
    cost_items: int,
    device: str,
    meter: Meter,
    memory: Memory,
    show: bool,
) -> Embedded:
    """Vectors of all items of each side; equal contents share theirs.

    Parameters
    ----------
    cache: the folder that holds the stores.
    batch_size: items embedded and kept at a time, so that a run that is stopped goes on where it stood.
    cost_items: items of each side whose cost is measured; 0 for none.
    device: its name; costs are kept by it.
    """
    with meter.stage("read vectors"):
        stores = {side: VectorStore(cache, encoder, side) for side in sides}
    digests = {side: [item.digest for item in items] for side, items in sides.items()}
    costs = {side: cost for side, store in stores.items() if (cost := store.cost(device)) is not None}
    work = any(store.missing(digests[side]) for side, store in stores.items())
    if work and cost_items and len(costs) < len(sides):
        costs = cost_of_sides(encoder, sides, cost_items, meter, memory)
        for side, cost in costs.items():
            cost["parameters"] = encoder.spec.parameters
            stores[side].keep_cost(device, cost)
    for side, items in sides.items():
        by_digest = dict(zip(digests[side], items, strict=True))
        _embed_missing(encoder, by_digest, side, stores[side], batch_size, meter, show=show)
    vectors: dict[Side, Vectors] = {}
    for side, store in stores.items():
        with meter.stage("read vectors", items=len(digests[side])):
            vectors[side] = store.get(digests[side])
    widths = {side: matrix_of(one).shape[1] for side, one in vectors.items()}
    if len(set(widths.values())) > 1:
        raise RunError(f"model {encoder.spec.name!r} returned vectors of different length: {widths}")
    sizes = {side: FLOAT32 * prod(matrix_of(one).shape) / len(digests[side]) for side, one in vectors.items()}
    sized = {side: cost | {"bytes": sizes[side]} for side, cost in costs.items()}
    return Embedded(vectors, sized, _cut_of(encoder, sides, stores))


def _embed_missing(
    encoder: Encoder,
    by_digest: Mapping[str, Item],
    side: Side,
    store: VectorStore,
    batch_size: int,
    meter: Meter,
    *,
    show: bool,
) -> None:
    todo = store.missing(list(by_digest))
    with bar(len(todo), "embed queries" if side == "query" else "embed documents", "item", show=show) as progress:
        for start in range(0, len(todo), batch_size):
            batch = todo[start : start + batch_size]
            items = [by_digest[digest] for digest in batch]
            with meter.stage(f"embed {side}", items=len(batch)):
                vectors = encoder.embed(items, side)
            check_vectors(encoder, vectors, items, side, store.width)
            store.add(batch, vectors, _cut(encoder, items))
            progress.update(len(batch))


def _cut(encoder: Encoder, items: Sequence[Item]) -> list[str]:
    """Digests of the items of which the encoder does not read the text to its end."""
    told = [item for item in items if item.text is not None]
    if not told or not isinstance(encoder, Cuts):
        return []
    cuts = encoder.cuts([item.text or "" for item in told])
    return [item.digest for item, cut in zip(told, cuts, strict=True) if cut]


def _cut_of(
    encoder: Encoder, sides: Mapping[Side, Sequence[Item]], stores: Mapping[Side, VectorStore]
) -> dict[Side, dict[str, int]]:
    if not isinstance(encoder, Cuts):
        return {}
    told = {side: [item.digest for item in items if item.text is not None] for side, items in sides.items()}
    return {side: {"texts": len(some), "cut": stores[side].cut(some)} for side, some in told.items() if some}
