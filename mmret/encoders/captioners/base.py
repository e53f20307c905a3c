"""What puts a sound into words."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ...items import Media
from ...media.preflight import SILENCE


@dataclass(frozen=True, eq=False)
class Sound:
    """A sound track: the file it is of, and its mono samples, float32 `(n,)`; empty for captioners that need none."""

    media: Media
    samples: NDArray[np.float32]

    @property
    def silent(self) -> bool:
        """Nothing can be heard."""
        return self.samples.size == 0 or float(np.abs(self.samples).max()) < SILENCE


@dataclass(frozen=True)
class Caption:
    """What is heard, in words; `silent` tells an empty caption of silence from one of a captioner without an answer."""

    text: str
    silent: bool = False


class Captioner(Protocol):
    """Anything that writes captions.

    Attributes
    ----------
    name, revision: identity; the revision changes whenever the captions can change (weights, code).
    settings: what else decides them (prompt, token cap, decoding), plain values by the names of the choices they are
        set by.
    rate: the sample rate in Hz that it listens at; 0 where it needs no samples.
    family: whose model it is ("qwen"), to warn where the same family annotated a benchmark; empty where none is.
    """

    name: str
    revision: str
    settings: Mapping[str, Any]
    rate: int
    family: str

    @property
    def parameters(self) -> int:
        """Number of trained weights; 0 where it has none or nobody says; known for sure once they are loaded."""
        ...

    def caption(self, sounds: Sequence[Sound]) -> list[str]:
        """One caption for each sound at `rate` Hz, none of them silent; each depends on its sound alone."""
        ...


def identity(captioner: Captioner) -> dict[str, Any]:
    """All that decides a captioner's captions, as plain values."""
    return {"name": captioner.name, "revision": captioner.revision, "settings": dict(captioner.settings)}


def fingerprint(captioner: Captioner) -> str:
    """Hex digest of `identity`."""
    return hashlib.sha256(json.dumps(identity(captioner), sort_keys=True).encode()).hexdigest()[:32]
