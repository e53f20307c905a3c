"""tags: the names of what YAMNet hears."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from .. import audioset
from ..base import Options
from ..choices import number, whole_number
from .base import Sound


class TagCaptions:
    """Class names in the order of their probability, the mean over the sound, joined by commas: "Speech, Music".

    Choices: a name counts from probability `tag_threshold` (0.1) on, and the first `tag_count` (5) are written; the
    likeliest one always is.
    """

    name, revision, rate, family, parameters = "tags", "1", audioset.RATE, "", audioset.PARAMETERS

    def __init__(self, options: Options) -> None:
        self._meter = options.meter
        self._threshold = number(options, "tag_threshold", 0.1, most=1.0)
        self._count = whole_number(options, "tag_count", 5)
        self.settings: Mapping[str, Any] = {"tag_threshold": self._threshold, "tag_count": self._count}

    @cached_property
    def _tagger(self) -> audioset.SoundTagger:
        return audioset.SoundTagger(self._meter)

    @cached_property
    def _names(self) -> list[str]:
        return audioset.class_names()

    def caption(self, sounds: Sequence[Sound]) -> list[str]:
        """The names for each sound."""
        return [self._caption(sound) for sound in sounds]

    def _caption(self, sound: Sound) -> str:
        probabilities = self._tagger.tag(sound.samples).mean(0)
        likeliest = np.argsort(-probabilities, kind="stable")[: self._count]
        heard = [i for i in likeliest if probabilities[i] >= self._threshold] or likeliest[:1]
        return ", ".join(self._names[i] for i in heard)
