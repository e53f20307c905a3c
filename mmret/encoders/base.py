"""The one interface through which every encoder is run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..items import Item, Modality, Side
from ..media import Reader, Workers
from ..meter import Meter


@dataclass(frozen=True)
class Spec:
    """What an encoder is, without loading it.

    Parameters
    ----------
    name, revision: identity; the revision changes whenever the vectors can change (weights, prompt, code).
    query, document: the modalities truly read on each side; others are ignored.
    summary: one line for the list.
    licence: of the weights and of what else comes with them.
    parameters: number of trained weights.
    packages: importable names of the packages that carry code and weights; their versions are stored with a result.
    extra: the extra of mmret that installs them.
    download_mb: size of the weights.
    training_data: what the parts were trained on.
    limits: what the encoder cannot do, for the reader of a result.
    """

    name: str
    revision: str
    query: frozenset[Modality]
    document: frozenset[Modality]
    summary: str
    licence: str
    parameters: int = 0
    packages: tuple[str, ...] = ()
    extra: str = ""
    download_mb: float = 0.0
    training_data: str = "none"
    limits: str = ""

    def reads(self, side: Side) -> frozenset[Modality]:
        """The modalities read on one side."""
        return self.query if side == "query" else self.document

    def describe(self) -> dict[str, Any]:
        """All fields as plain values, and how to install what the encoder needs."""
        install = f"pip install 'mmret[{self.extra}]'" if self.extra else "nothing to install"
        described = asdict(self) | {"query": sorted(self.query), "document": sorted(self.document)}
        return described | {"packages": list(self.packages), "install": install}


@dataclass(frozen=True)
class Options:
    """How an encoder is run.

    Parameters
    ----------
    device: a torch device such as "cpu" or "cuda".
    frames, sampling, reader: how clips are decoded, see `mmret.media.ClipRequest`.
    seed: for encoders that draw random numbers.
    workers: the processes that decode media.
    meter: where the time spent decoding is written down.
    """

    workers: Workers
    device: str = "cpu"
    frames: int = 8
    sampling: str = "centres"
    reader: Reader = "decord"
    seed: int = 0
    meter: Meter = field(default_factory=Meter)


class Encoder(Protocol):
    """Anything that turns items into vectors.

    Attributes
    ----------
    spec: what it is.
    preprocessing: the settings that decide its vectors (frames, sample rate, weights of a composition, seed), as plain
        values; they are stored with every result and keep the vectors of different settings apart.
    """

    spec: Spec
    preprocessing: Mapping[str, Any]

    def embed(self, items: Sequence[Item], side: Side) -> NDArray[np.float32]:
        """Vectors of `items`, float32 `(len(items), d)`, compared by inner product.

        The vector of an item depends on that item and the side alone, not on the others in the call.
        """
        ...


def fingerprint(encoder: Encoder) -> str:
    """Hex digest of all that decides an encoder's vectors: name, revision, modalities and preprocessing."""
    spec = encoder.spec.describe()
    decisive = {key: spec[key] for key in ("name", "revision", "query", "document")}
    text = json.dumps({**decisive, "preprocessing": dict(encoder.preprocessing)}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
