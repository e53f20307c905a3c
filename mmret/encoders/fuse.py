"""fuse: several encoders as one, whose score is the weighted sum of their cosines."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, RunError
from ..items import Item, Side
from .base import Options, Spec, fingerprint
from .clap import Clap
from .clip import Clip
from .registry import create_part, register_encoder
from .units import unit


@register_encoder
class Fuse:
    """The parts' vectors, each brought to length 1 and scaled by the root of its weight, one behind the other.

    The inner product of two such vectors is the sum of the parts' cosines by weight. Each part gets the items of which
    it reads anything; where it reads nothing of an item it stands for zeros, and adds 0 to that item's scores.

    The argument names the parts: "A,B" weighs them alike, "A=0.7,B=0.3" as given, brought to the sum 1; a part is any
    reference of an encoder with one vector an item, without a comma in it. Weights that were learned, as by a search on
    a development split, are given the same way. A choice is given to a part as "clip.text_weight"; of several of one
    kind, as "clip1.text_weight" and "clip2.text_weight".
    """

    spec = Spec(
        name="fuse",
        revision="1",
        query=frozenset({"text", "image", "video", "audio"}),
        document=frozenset({"text", "image", "video", "audio"}),
        summary="several encoders as one: the weighted sum of their cosines; reads what its parts read",
        licence="those of the parts",
        packages=("torch",),
        training_data="that of the parts",
        limits="A part that reads nothing of an item adds 0 to its scores.",
        argument="two parts or more: A,B or A=0.7,B=0.3",
    )

    def __init__(self, options: Options, argument: str) -> None:
        weights = _parse(argument)
        labels = _labels(list(weights))
        self._weights = np.array(list(weights.values()))
        self._parts = [create_part(reference, options, label) for reference, label in zip(weights, labels, strict=True)]
        self._widths: dict[int, int] = {}
        self.spec = self._describe(argument)
        self.preprocessing: Mapping[str, Any] = {
            "weights": dict(zip(labels, self._weights.tolist(), strict=True)),
            "parts": dict(zip(labels, map(fingerprint, self._parts), strict=True)),
            **{
                f"{label}.{name}": value
                for label, part in zip(labels, self._parts, strict=True)
                for name, value in part.preprocessing.items()
            },
        }

    def _describe(self, argument: str) -> Spec:
        specs = [part.spec for part in self._parts]
        hearing = [spec for spec in specs if "audio" in spec.query | spec.document]
        return replace(
            type(self).spec,
            name=f"fuse:{argument}",
            revision=" + ".join([Fuse.spec.revision, *(spec.revision for spec in specs)]),
            query=frozenset[Any]().union(*(spec.query for spec in specs)),
            document=frozenset[Any]().union(*(spec.document for spec in specs)),
            licence="; ".join(dict.fromkeys(spec.licence for spec in specs)),
            parameters=sum(spec.parameters for spec in specs),
            packages=tuple(dict.fromkeys(name for spec in specs for name in spec.packages)),
            download_mb=sum(spec.download_mb for spec in specs),
            weights=tuple(dict.fromkeys(name for spec in specs for name in spec.weights)),
            training_data="; ".join(dict.fromkeys(spec.training_data for spec in specs)),
            sound_as_text=bool(hearing) and all(spec.sound_as_text for spec in hearing),
            family=next((spec.family for spec in specs if spec.family), ""),
            limits=" ".join([type(self).spec.limits, *(f"{spec.name}: {spec.limits}" for spec in specs)]),
        )

    def embed(self, items: Sequence[Item], side: Side) -> NDArray[np.float32]:
        """Vectors float32 `(len(items), sum of the parts' d)`, of length 1 where all parts read something."""
        blocks = [self._block(number, items, side) for number in range(len(self._parts))]
        self.spec = replace(self.spec, parameters=sum(part.spec.parameters for part in self._parts))
        return np.concatenate(blocks, axis=1)

    def _block(self, number: int, items: Sequence[Item], side: Side) -> NDArray[np.float32]:
        part = self._parts[number]
        rows = [row for row, item in enumerate(items) if item.modalities & part.spec.reads(side)]
        found = np.asarray(part.embed([items[row] for row in rows], side)) if rows else None
        if found is not None:
            self._widths[number] = found.shape[1]
        block = np.zeros((len(items), self._width(number)), np.float32)
        if found is not None:
            block[rows] = [unit(vector) for vector in found]
        return block * np.float32(math.sqrt(self._weights[number]))

    def _width(self, number: int) -> int:
        """Dimensions of a part, which a batch that it cannot read does not tell."""
        part = self._parts[number]
        if number not in self._widths:
            sides: list[Side] = ["query", "document"]
            side = next((side for side in sides if "text" in part.spec.reads(side)), None)
            if side is None:
                raise RunError(
                    f"{part.spec.name} reads nothing of these items, and how wide its vectors are is unknown"
                )
            self._widths[number] = np.asarray(part.embed([Item("width", text="width")], side)).shape[1]
        return self._widths[number]


@register_encoder
class ClipClap(Fuse):
    """The picture by CLIP and the sound by CLAP: "fuse:clip,clap" under the name people use."""

    spec = replace(
        Fuse.spec,
        name="clip+clap",
        query=frozenset({"text", "image", "video", "audio"}),
        summary="CLIP for the picture and CLAP for the sound: the same as fuse:clip,clap",
        parameters=Clip.spec.parameters + Clap.spec.parameters,
        packages=("open_clip", "torch", "transformers"),
        extra="models",
        download_mb=Clip.spec.download_mb + Clap.spec.download_mb,
        weights=(*Clip.spec.weights, *Clap.spec.weights),
        argument="",
    )

    def __init__(self, options: Options) -> None:
        super().__init__(options, "clip,clap")


def _parse(argument: str) -> dict[str, float]:
    """References of the parts and their weights, which sum up to 1."""
    parts: dict[str, float | None] = {}
    for text in argument.split(","):
        reference, equals, weight = text.strip().rpartition("=")
        try:
            name, value = (reference, float(weight)) if equals else (weight, None)
        except ValueError:  # the sign is part of a folder's name
            name, value = text.strip(), None
        if not name or name in parts:
            raise InputError(f"fuse:{argument}: each part must be named, and once")
        parts[name] = value
    given = [value for value in parts.values() if value is not None]
    if len(parts) < 2 or len(given) not in (0, len(parts)):
        raise InputError(f"fuse:{argument}: name two parts or more, all with a weight or none: A,B or A=0.7,B=0.3")
    if not all(0 < value < math.inf for value in given):
        raise InputError(f"fuse:{argument}: weights must be more than 0")
    total = sum(given) or len(parts)
    return {name: (1.0 if value is None else value) / total for name, value in parts.items()}


def _labels(references: list[str]) -> list[str]:
    """What the parts are called among themselves: by their kind, and numbered where there are several of one."""
    kinds = [reference.partition(":")[0] for reference in references]
    count, seen = Counter(kinds), Counter[str]()
    labels = []
    for kind in kinds:
        seen[kind] += 1
        labels.append(kind if count[kind] == 1 else f"{kind}{seen[kind]}")
    return labels
