"""text: MiniLM on the words alone, the blind baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..items import Item, Side
from .base import Options, Spec
from .registry import register_encoder
from .tagbridge import TagBridge


@register_encoder
class TextEncoder:
    """Reads a query's text and nothing else of it: how far the words go without the source.

    A document with text is read by its text as well; one without is placed as tagbridge places it, so that the two
    models differ by the source clip alone.
    """

    spec = Spec(
        name="text",
        revision=TagBridge.spec.revision,
        query=frozenset({"text"}),
        document=TagBridge.spec.document,
        summary="MiniLM on the text alone: blind to the source; documents without text as in tagbridge",
        licence=TagBridge.spec.licence,
        parameters=TagBridge.spec.parameters,
        packages=TagBridge.spec.packages,
        extra=TagBridge.spec.extra,
        text_first=True,
        sound_as_text=True,
        download_mb=TagBridge.spec.download_mb,
        training_data=TagBridge.spec.training_data,
        limits="Never sees or hears the source of a query.",
    )

    def __init__(self, options: Options) -> None:
        self._bridge = TagBridge(options)
        self.preprocessing: Mapping[str, Any] = self._bridge.preprocessing

    def embed(self, items: Sequence[Item], side: Side) -> NDArray[np.float32]:
        """Vectors float32 `(len(items), 768)`, see `TagBridge.embed`."""
        return self._bridge.embed([item.keep(["text"]) if item.text is not None else item for item in items], side)

    def cuts(self, texts: Sequence[str]) -> list[bool]:
        """Which texts are longer than the sentence encoder reads."""
        return self._bridge.cuts(texts)
