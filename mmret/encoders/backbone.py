"""What a composed model asks of its embedder: texts and frames in, vectors out.

A composer such as AudioVLM2Vec's decides what text goes with which frames; a `Backbone` adds its own prompt and places
the two in one space. Encoders of items that are made of a backbone read the item and hand on its content.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..items import Item, Side
from ..media import ClipLoader
from .base import Spec

Kind = Literal["text", "image", "video"]


@dataclass(frozen=True, eq=False)
class Content:
    """What is embedded as one vector.

    Parameters
    ----------
    text: the words; empty for none.
    frames: uint8 RGB `(n, height, width, 3)`; None for none.
    still: whether the one frame is a picture rather than a clip.
    sound: mono float32 `(samples,)` at the backbone's rate; None for none, and for backbones that hear nothing.
    """

    text: str = ""
    frames: NDArray[np.uint8] | None = None
    still: bool = False
    sound: NDArray[np.float32] | None = None

    @property
    def kind(self) -> Kind:
        """What is seen; a prompt is chosen by it."""
        return "text" if self.frames is None else "image" if self.still else "video"


@runtime_checkable
class Backbone(Protocol):
    """An embedder of contents.

    `spec` and `preprocessing` say what decides its vectors, as for every model: prompts, frames, pixels, weights.
    """

    spec: Spec
    preprocessing: Mapping[str, Any]

    def embed_contents(self, contents: Iterable[Content], side: Side) -> NDArray[np.float32]:
        """Unit vectors float32 `(number of contents, d)`; each depends on its content and the side alone.

        Contents are taken one by one, so that frames need not all be in memory.
        """
        ...


def read(item: Item, loader: ClipLoader, rate: int = 0) -> Content:
    """The content of an item, decoded; sound at `rate` Hz, or none for 0."""
    sound = loader.sound(item, rate) if rate else None
    return Content(item.text or "", loader.frames(item), item.video is None, sound)
