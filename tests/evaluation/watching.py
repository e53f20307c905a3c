"""A model that looks at each clip it is given, and remembers none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmret.encoders import Options, Spec
from mmret.items import Item, Side
from mmret.media import ClipLoader, ClipRequest

MODEL = "python:tests.evaluation.watching:Watching"


class Watching:
    """The mean brightness of each of four frames, and the length of the text."""

    spec = Spec("watching", "1", frozenset({"text", "video"}), frozenset({"video"}), "", "")

    def __init__(self, options: Options) -> None:
        self._loader = ClipLoader(ClipRequest(4, sound=False), options.workers, options.meter)
        self.preprocessing: Mapping[str, Any] = {}

    def embed(self, items: Sequence[Item], side: Side) -> NDArray[np.float32]:
        self._loader.expect(item.keep(["video"]) for item in items)
        return np.stack([self._vector(item) for item in items])

    def _vector(self, item: Item) -> NDArray[np.float32]:
        frames = self._loader.frames(item)
        assert frames is not None
        return np.append(frames.mean((1, 2, 3)), len(item.text or "")).astype(np.float32)
