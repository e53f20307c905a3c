"""What a model does not read of what it is asked: said aloud, because figures alone do not show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..benchmarks import Benchmark
from ..encoders import Model
from ..errors import InputError
from ..items import Item, Modality, Side


def modality_warnings(model: Model, items: Sequence[Item], side: Side) -> list[str]:
    """What of the items a model does not read. Raises `InputError` when it reads nothing of one."""
    reads = model.spec.reads(side)
    unread: set[Modality] = set()
    for item in items:
        if not item.modalities & reads:
            has = ", ".join(sorted(item.modalities)) or "nothing"
            raise InputError(
                f"model {model.spec.name!r} reads {', '.join(sorted(reads))} of a {side}, "
                f"but {side} {item.id} has {has}; choose another model or drop less"
            )
        read = reads & {"text"} if model.spec.text_first and item.text is not None else reads
        unread |= item.modalities - read
    return [f"{model.spec.name} does not read the {modality} of a {side}" for modality in sorted(unread)]


def family_warnings(model: Model, benchmark: Benchmark) -> list[str]:
    """Whether a model's captions are of the family that annotated the benchmark: it may know the wording."""
    family = model.spec.family
    if not family or family != benchmark.about.get("annotated_by"):
        return []
    return [f"{model.spec.name} writes captions by a model of the family that annotated {benchmark.name} ({family})"]


def sound_warnings(model: Model, benchmark: Benchmark) -> list[str]:
    """Whether a model that is deaf on a side is asked what takes hearing."""
    deaf = [side for side in ("query", "document") if "audio" not in model.spec.reads(side)]
    members = [rows for label, rows in benchmark.slices.items() if label in benchmark.sound_slices]
    if not deaf or not benchmark.sound_slices:
        return []
    if not members:
        return [f"{model.spec.name} hears nothing of a {' or a '.join(deaf)}; which queries take hearing is not known"]
    asked = len(np.unique(np.concatenate(members)))
    return [
        f"{model.spec.name} hears nothing of a {' or a '.join(deaf)}, and {asked:,} of {len(benchmark.queries):,} "
        f"queries ({', '.join(sorted(benchmark.sound_slices))}) cannot be answered without hearing: "
        "its figures on them say how far guessing goes"
    ]


def cut_warnings(model: Model, cut: Mapping[Side, Mapping[str, int]]) -> list[str]:
    """How many texts a model does not read to their end."""
    return [
        f"{model.spec.name} does not read the text of {one['cut']:,} of {one['texts']:,} {words} to its end"
        for side, one in cut.items()
        for words in ["queries" if side == "query" else "documents"]
        if one["cut"]
    ]
