"""What embedding an item costs, with nothing kept from before: a few of each side, counted and timed."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from ..encoders import Encoder, Memory
from ..items import Item, Media, Side
from ..meter import Meter, Stage

COUNTED = 4  # items whose operations are counted; they also warm the model up
STAGES = ("decode", "caption", "embed")


def cost_of_sides(
    encoder: Encoder, sides: Mapping[Side, Sequence[Item]], timed: int, meter: Meter, memory: Memory
) -> dict[Side, dict[str, Any]]:
    """Cost of an item of each side: `{side: {"items", "decode", "caption", "embed", "captions_add"}}`.

    A stage is `{"seconds", "flops"}` a item: wall seconds of this process, or, where a part of it was worked out in
    another process or kept from earlier, of that work; floating-point operations, two for a multiplication with its
    addition, or None where they were not or could not be counted (outside of torch, or on a server). `captions_add` is
    what captions cost as a share of all else, None without captions. The vectors are thrown away.

    Parameters
    ----------
    timed: items of each side that are timed; fewer where there are no more of different media.
    meter, memory: those of the encoder's options.
    """
    taken: set[Media] = set()
    costs: dict[Side, dict[str, Any]] = {}
    for side, items in sides.items():
        picked = _pick(items, COUNTED + timed, taken)
        counted, rest = picked[:COUNTED], picked[COUNTED:] or picked
        with _counting(encoder, meter):
            flops = _spent(encoder, counted, side, meter, memory)
        spent = _spent(encoder, rest, side, meter, memory)
        costs[side] = _cost(spent, len(rest), flops, len(counted))
    memory.clear()
    return costs


def _pick(items: Sequence[Item], count: int, taken: set[Media]) -> list[Item]:
    """Items drawn by chance of which no two share a file, nor any with those `taken`, which grow."""
    picked: list[Item] = []
    for i in np.random.default_rng(0).permutation(len(items)).tolist():
        if len(picked) == count:
            break
        if not taken.intersection(items[i].media):
            taken.update(items[i].media)
            picked.append(items[i])
    return picked or [items[0]]


def _spent(
    encoder: Encoder, items: Sequence[Item], side: Side, meter: Meter, memory: Memory
) -> dict[str, tuple[Stage, Stage]]:
    """What each stage cost here, and elsewhere."""
    memory.clear()
    before = _read(meter)
    with meter.stage("embed"):
        encoder.embed(items, side)
    after = _read(meter)
    return {name: (_less(after[name][0], before[name][0]), _less(after[name][1], before[name][1])) for name in STAGES}


def _read(meter: Meter) -> dict[str, tuple[Stage, Stage]]:
    here, elsewhere = meter.stages, meter.elsewhere
    return {name: (replace(here.get(name, Stage())), replace(elsewhere.get(name, Stage()))) for name in STAGES}


def _less(after: Stage, before: Stage) -> Stage:
    return Stage(after.seconds - before.seconds, after.items - before.items, after.flops - before.flops)


def _cost(
    spent: Mapping[str, tuple[Stage, Stage]], timed: int, counts: Mapping[str, tuple[Stage, Stage]], counted: int
) -> dict[str, Any]:
    stages: dict[str, dict[str, float | None]] = {}
    for name in STAGES:
        here, elsewhere = spent[name]
        # This process only waits for decoders, which work ahead; a caption is written here or was kept.
        seconds = elsewhere.seconds if name == "decode" else here.seconds + elsewhere.seconds
        flops = math.nan if counts[name][1].items and name == "caption" else counts[name][0].flops
        stages[name] = {"seconds": seconds / timed, "flops": flops / counted if flops > 0 else None}
    return {"items": timed, **stages, "captions_add": _added(stages)}


def _added(stages: Mapping[str, Mapping[str, float | None]]) -> dict[str, float | None] | None:
    """What captions cost as a share of decoding and embedding without them."""
    if not stages["caption"]["seconds"]:
        return None
    shares: dict[str, float | None] = {}
    for kind in ("seconds", "flops"):
        caption, *others = (stages[name][kind] for name in ("caption", "decode", "embed"))
        base = sum(other or 0.0 for other in others)
        shares[kind] = caption / base if caption and base else None
    return shares


@contextmanager
def _counting(encoder: Encoder, meter: Meter) -> Iterator[None]:
    """Let the meter read the operations of torch in this block, where the encoder may use torch at all."""
    if not encoder.spec.packages and "torch" not in sys.modules:
        yield
        return
    import torch
    from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

    def attention(query: Any, key: Any, value: Any, *_: Any, **__: Any) -> int:
        return sdpa_flop_count(query, key, value)

    # torch counts all kernels of attention but the one for the CPU.
    ours: dict[Any, Callable[..., int]] = {torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: attention}
    with FlopCounterMode(display=False, custom_mapping=ours) as counter:
        meter.operations = counter.get_total_flops
        yield
    meter.operations = lambda: 0.0
