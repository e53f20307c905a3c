"""The encoder that knows nothing: its scores are the expectation of chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..items import Item, Side, text_digest
from .base import Options, Spec
from .registry import register_encoder


@register_encoder
class RandomEncoder:
    """A Gaussian unit vector for each item, drawn from the item's content, the side and the seed."""

    spec = Spec(
        name="random",
        revision="1",
        query=frozenset({"text", "image", "video", "audio"}),
        document=frozenset({"text", "image", "video", "audio"}),
        summary="random vectors: the floor of every table",
        licence="Apache-2.0",
        limits="Knows nothing; equal contents get equal vectors.",
    )
    dimension = 64

    def __init__(self, options: Options) -> None:
        self._seed = options.seed
        self.preprocessing: Mapping[str, Any] = {"seed": options.seed, "dimension": self.dimension}

    def embed(self, items: Sequence[Item], side: Side) -> NDArray[np.float32]:
        """Random unit vectors, float32 `(len(items), 64)`."""
        seeds = [int(text_digest(f"{self._seed} {side} {item.digest}"), 16) for item in items]
        vectors = np.stack([np.random.default_rng(seed).standard_normal(self.dimension) for seed in seeds])
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
