"""From items to the captions of their sound."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...items import Item, Media
from ...paths import cache_folder
from ..base import Options
from .base import Caption, Captioner
from .store import CaptionStore


class Listener:
    """Gives the captions of items by one captioner: those that are kept, and new ones for what was never heard."""

    def __init__(self, captioner: Captioner, options: Options) -> None:
        self._rate = captioner.rate
        self._store = CaptionStore(cache_folder(options.cache), captioner, options.meter)
        self._loader = options.loader(frames=False, sound=True)

    def captions(self, items: Sequence[Item]) -> list[Caption | None]:
        """The caption of each item; None where there is no sound."""
        files = [item.audio for item in items if item.audio is not None]
        self._loader.expect(Item("", audio=media) for media in self._store.missing(files) if self._rate)
        captions = iter(self._store.captions(files, self._samples))
        return [None if item.audio is None else next(captions) for item in items]

    def _samples(self, media: Media) -> NDArray[np.float32] | None:
        return self._loader.sound(Item("", audio=media), self._rate)
