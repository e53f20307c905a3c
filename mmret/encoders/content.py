"""What a vision-language encoder reads of an item, decoded: words, frames and sound that become one vector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..items import Item
from ..media import ClipLoader

Kind = Literal["text", "image", "video"]


@dataclass(frozen=True, eq=False)
class Content:
    """What is embedded as one vector.

    Parameters
    ----------
    text: the words; empty for none.
    frames: uint8 RGB `(n, height, width, 3)`; None for none.
    still: whether the one frame is a picture rather than a clip.
    sound: mono float32 `(samples,)` at the model's rate; None for none, and for models that hear nothing.
    """

    text: str = ""
    frames: NDArray[np.uint8] | None = None
    still: bool = False
    sound: NDArray[np.float32] | None = None

    @property
    def kind(self) -> Kind:
        """What is seen; a prompt is chosen by it."""
        return "text" if self.frames is None else "image" if self.still else "video"


def read(item: Item, loader: ClipLoader, rate: int = 0) -> Content:
    """The content of an item, decoded; sound at `rate` Hz, or none for 0."""
    sound = loader.sound(item, rate) if rate else None
    return Content(item.text or "", loader.frames(item), item.video is None, sound)
