"""asr: what is said, in English, by Moonshine tiny (Jeffries et al. 2024, arXiv 2410.15608), offline on the CPU."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from .. import audioset
from ..base import Options
from ..choices import number
from ..weights import PackagedFile
from .base import Sound

_PACKAGE = "moonshine_voice"
_FILES = (
    PackagedFile(
        _PACKAGE, "assets/tiny-en/encoder_model.ort", "94e90a4654fc45cdfedb77c4c08e1739f48862998e58fada384b25118134f221"
    ),
    PackagedFile(
        _PACKAGE,
        "assets/tiny-en/decoder_model_merged.ort",
        "cf524c4862d36e9e5ab032eddc73637efd822d70e868ac575cf1a46e1e4708a0",
    ),
    PackagedFile(
        _PACKAGE, "assets/tiny-en/tokenizer.bin", "6884b35fd6377d4c4d32336a0bc152f36b64d1e45b6503683cdc238250a8472d"
    ),
)


class SpeechCaptions:
    """The sentences of each sound; an empty caption where nobody speaks.

    Whether somebody does is told by YAMNet: the choice `speech_threshold` (0.5) is the least probability of "Speech" in
    any of its windows. The recogniser's own detector carries over from one sound to the next, and hears other words
    where others went before; it is switched off.
    """

    name, revision, rate, family = "asr", "2 moonshine-voice 0.0.44 tiny-en", 16_000, ""
    parameters = 27_092_736 + audioset.PARAMETERS

    def __init__(self, options: Options) -> None:
        self._meter = options.meter
        self._threshold = number(options, "speech_threshold", 0.5, most=1.0)
        self.settings: Mapping[str, Any] = {"speech_threshold": self._threshold}

    @cached_property
    def _tagger(self) -> audioset.SoundTagger:
        return audioset.SoundTagger(self._meter)

    @cached_property
    def _speech(self) -> int:
        return audioset.class_names().index("Speech")

    @cached_property
    def _recogniser(self) -> Any:
        from moonshine_voice.moonshine_api import ModelArch
        from moonshine_voice.transcriber import Transcriber

        checked = [file.locate() for file in _FILES]
        folder: Path = checked[0].parent
        return Transcriber(str(folder), ModelArch.TINY, options={"vad_threshold": "0.0"})

    def caption(self, sounds: Sequence[Sound]) -> list[str]:
        """What is said in each sound."""
        return [self._caption(sound) for sound in sounds]

    def _caption(self, sound: Sound) -> str:
        if self._tagger.tag(sound.samples)[:, self._speech].max() < self._threshold:
            return ""
        self._meter.add_flops(math.nan)  # its runtime is its own
        lines = self._recogniser.transcribe_without_streaming(sound.samples.tolist(), self.rate).lines
        return " ".join(line.text.strip() for line in lines if line.text.strip())
