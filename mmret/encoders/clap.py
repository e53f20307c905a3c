"""clap: any CLAP of transformers; a sound is the mean of its windows, text and sound together are a weighted sum."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import cpu_torch
from ..items import Item, Media, Side
from .base import Options, Spec
from .batches import Batches, ahead, at_once
from .choices import number
from .hub import Weights, resolve
from .registry import register_encoder
from .units import mean_of_units, unit, weighted_sum

WINDOWS_AT_ONCE = 128  # on a GPU, or as many as its memory holds


@register_encoder
class Clap:
    """Places sounds and texts in the space of a CLAP (Wu et al. 2023, arXiv 2211.06687).

    The sound track is brought from its own rate to the model's in one step. A sound of up to a window (10 s) is filled
    up as the model's processor does; a longer one is cut into as few windows as cover it, at equal distances, and is
    the mean of their unit vectors, where the processor would cut one at random. An item of text and sound is
    `text_weight` times the text's unit vector plus `1 - text_weight` times the sound's. All vectors have length 1, but
    for zeros where an item has neither text nor a sound track.

    Choice: `text_weight` (0.5).
    """

    spec = Spec(
        name="clap",
        revision="1",
        query=frozenset({"text", "audio"}),
        document=frozenset({"text", "audio"}),
        summary="CLAP by transformers: sound in windows, text and sound composed by weighted sum",
        licence="that of the weights; Apache-2.0 for the default",
        packages=("torch", "transformers"),
        extra="models",
        parameters=153_492_890,
        download_mb=615,
        weights=("laion/clap-htsat-unfused",),
        training_data="that of the weights; for the default LAION-Audio-630K, AudioCaps and Clotho",
        limits="Sees nothing.",
        argument="an ID of the Hub, or a folder",
        default="laion/clap-htsat-unfused",
    )

    def __init__(self, options: Options, argument: str) -> None:
        self._weights = resolve(argument, cache=options.cache, size_mb=self.spec.size_of(argument))
        self.spec = self.spec.member(argument, self._weights.revision)
        self._text_weight = number(options, "text_weight", 0.5, most=1.0)
        self._processor = _processor(self._weights)
        front = self._processor.feature_extractor
        self._rate, self._window = int(front.sampling_rate), int(front.nb_max_samples)
        self.preprocessing: Mapping[str, Any] = {
            "sample_rate": self._rate, "window_seconds": self._window / self._rate, "windows": "as few as cover",
            "pooling": "mean of the windows' unit vectors", "padding": front.padding, "truncation": front.truncation,
            "dtype": options.dtype, "text_weight": self._text_weight, "normalised": True,
        }  # fmt: skip
        self._options = options
        self._loader = options.loader(frames=False, sound=True)
        self._batches = Batches(at_once(options.device, WINDOWS_AT_ONCE))
        self._heard: dict[Media, NDArray[np.float32] | None] = options.memory.table()

    @cached_property
    def _towers(self) -> Towers:
        with self._options.meter.stage("load model"):
            towers = Towers(self._weights, self._processor, self._options.device, self._options.dtype)
            self.spec = replace(self.spec, parameters=towers.parameters)
            return towers

    def embed(self, items: Sequence[Item], side: Side) -> NDArray[np.float32]:  # noqa: ARG002  # both sides alike
        """Unit vectors float32 `(len(items), d)`; zeros for an item without text and without a sound track."""
        new = {item.audio: item for item in items if item.audio is not None and item.audio not in self._heard}
        self._loader.expect(item.keep(["audio"]) for item in new.values())
        features = ahead(self._features, (self._loader.sound(item, self._rate) for item in new.values()))
        placed = self._batches.run(features, lambda one: 1 if one is None else len(one), self._towers.sounds)
        self._heard.update(zip(new, (None if one is None else mean_of_units(one) for one in placed), strict=True))
        texts = list(dict.fromkeys(item.text for item in items if item.text is not None))
        said = dict(zip(texts, self._batches.run(texts, lambda _: 1, self._towers.texts), strict=True))
        return np.stack([self._compose(item, said) for item in items])

    def cuts(self, texts: Sequence[str]) -> list[bool]:
        """Which texts are longer than the text tower reads."""
        ids = self._processor.tokenizer(list(texts), verbose=False)["input_ids"]
        return [len(one) > self._towers.longest for one in ids]

    def _features(self, sound: NDArray[np.float32] | None) -> list[Mapping[str, Any]] | None:
        """What the model takes of each window of a sound."""
        return None if sound is None else [self._towers.features(part) for part in windows(sound, self._window)]

    def _compose(self, item: Item, said: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        text = None if item.text is None else said[item.text]
        heard = None if item.audio is None else self._heard[item.audio]
        together = weighted_sum((self._text_weight, text), (1 - self._text_weight, heard))
        return np.zeros(self._towers.dimension, np.float32) if together is None else together


def windows(sound: NDArray[np.float32], length: int) -> list[NDArray[np.float32]]:
    """As few stretches of `length` samples as cover `(samples,)`, the first at its start and the last at its end.

    A shorter sound is one stretch of its own length; one without samples is a moment of silence.
    """
    if len(sound) <= length:
        return [sound if len(sound) else np.zeros(1, np.float32)]
    starts = np.linspace(0, len(sound) - length, math.ceil(len(sound) / length)).round().astype(int)
    return [sound[start : start + length] for start in starts.tolist()]


def _processor(weights: Weights) -> Any:
    cpu_torch.prepare()
    from transformers import ClapProcessor

    folder = weights.fetch("*.json", "*.txt")
    with weights.loading():
        return ClapProcessor.from_pretrained(folder, local_files_only=True)


class Towers:
    """The two towers of a CLAP."""

    def __init__(self, weights: Weights, processor: Any, device: str, dtype: str) -> None:
        import torch
        from transformers import ClapModel
        from transformers.utils import logging

        logging.disable_progress_bar()
        self._torch, self._processor, self._device, self._dtype = torch, processor, device, getattr(torch, dtype)
        folder = weights.fetch()
        with weights.loading():
            loaded: Any = ClapModel.from_pretrained(
                folder, dtype=self._dtype, local_files_only=True, output_loading_info=True
            )
        model, info = loaded
        weights.require_all(info)
        self._model = model.to(device).eval()
        processor.tokenizer.padding_side = "right"  # a text's vector is that of its first token
        self.longest = min(processor.tokenizer.model_max_length, model.config.text_config.max_position_embeddings - 2)
        self.dimension = int(model.config.projection_dim)
        self.parameters = sum(weight.numel() for weight in model.parameters())

    def features(self, sound: NDArray[np.float32]) -> Mapping[str, Any]:
        """What the model takes of mono sound `(samples,)`, no longer than a window, at its own rate."""
        front = self._processor.feature_extractor
        return front(sound, sampling_rate=front.sampling_rate, return_tensors="pt")

    def sounds(self, sounds: Sequence[list[Mapping[str, Any]] | None]) -> list[NDArray[np.float32] | None]:
        """Vectors float32 `(windows, d)` of each sound, given as the features of its windows; None stays None."""
        torch = self._torch
        parts = [window for sound in sounds for window in sound or ()]
        if not parts:
            return [None] * len(sounds)
        mel, longer = (torch.cat([part[name] for part in parts]) for name in ("input_features", "is_longer"))
        with torch.inference_mode():
            found = self._model.get_audio_features(
                input_features=mel.to(self._device, self._dtype), is_longer=longer.to(self._device)
            )
        vectors = iter(self._plain(found))
        return [None if sound is None else np.stack([next(vectors) for _ in sound]) for sound in sounds]

    def texts(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """Unit vector float32 `(d,)` of each text."""
        tokens = self._processor.tokenizer(
            list(texts), padding=True, truncation=True, max_length=self.longest, return_tensors="pt"
        ).to(self._device)
        with self._torch.inference_mode():
            return [unit(vector) for vector in self._plain(self._model.get_text_features(**tokens))]

    def _plain(self, found: Any) -> NDArray[np.float32]:
        # A tensor up to transformers 4, and an object that holds it since.
        vectors: NDArray[np.float32] = getattr(found, "pooler_output", found).float().cpu().numpy()
        return vectors
