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
from ..media import ClipLoader, ClipRequest
from .base import Options, Spec
from .choices import number
from .hub import Weights, resolve
from .registry import register_encoder
from .units import mean_of_units, unit, weighted_sum


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
        download_mb=615,
        training_data="that of the weights; for the default LAION-Audio-630K, AudioCaps and Clotho",
        limits="Sees nothing.",
        argument="an ID of the Hub, or a folder",
        default="laion/clap-htsat-unfused",
    )

    def __init__(self, options: Options, argument: str) -> None:
        size = self.spec.download_mb if argument == self.spec.default else 0.0
        self._weights = resolve(argument, cache=options.cache, size_mb=size)
        self.spec = replace(
            type(self).spec, name=f"clap:{argument}", revision=f"{type(self).spec.revision} {self._weights.revision}"
        )
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
        self._loader = ClipLoader(
            ClipRequest(0, True, options.sampling, options.reader), options.workers, options.meter
        )
        self._heard: dict[Media, NDArray[np.float32] | None] = {}  # a clip is source and document too

    @cached_property
    def _towers(self) -> Towers:
        with self._options.meter.stage("load model"):
            towers = Towers(self._weights, self._processor, self._options.device, self._options.dtype)
            self.spec = replace(self.spec, parameters=towers.parameters)
            return towers

    def embed(self, items: Sequence[Item], side: Side) -> NDArray[np.float32]:  # noqa: ARG002  # both sides alike
        """Unit vectors float32 `(len(items), d)`; zeros for an item without text and without a sound track."""
        self._loader.expect(item.keep(["audio"]) for item in items if item.audio not in self._heard)
        return np.stack([self._embed(item) for item in items])

    def _embed(self, item: Item) -> NDArray[np.float32]:
        said = self._towers.text(item.text) if item.text is not None else None
        together = weighted_sum((self._text_weight, said), (1 - self._text_weight, self._sound(item)))
        return np.zeros(self._towers.dimension, np.float32) if together is None else together

    def _sound(self, item: Item) -> NDArray[np.float32] | None:
        if item.audio is None:
            return None
        if item.audio not in self._heard:
            sound = self._loader.sound(item, self._rate)
            self._heard[item.audio] = None if sound is None else self._place(sound)
        return self._heard[item.audio]

    def _place(self, sound: NDArray[np.float32]) -> NDArray[np.float32]:
        parts = windows(sound, self._window)
        return mean_of_units(np.stack([self._towers.sound(part, self._rate) for part in parts]))


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
    """The two towers of a CLAP. One input at a time goes through them, so that no vector depends on its neighbours."""

    def __init__(self, weights: Weights, processor: Any, device: str, dtype: str) -> None:
        import torch
        from transformers import ClapModel
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        self._torch, self._processor, self._device, self._dtype = torch, processor, device, getattr(torch, dtype)
        folder = weights.fetch()
        with weights.loading():
            loaded: Any = ClapModel.from_pretrained(
                folder, dtype=self._dtype, local_files_only=True, output_loading_info=True
            )
        model, info = loaded
        weights.require_all(info)
        self._model = model.to(device).eval()
        self._longest = min(processor.tokenizer.model_max_length, model.config.text_config.max_position_embeddings - 2)
        self.dimension = int(model.config.projection_dim)
        self.parameters = sum(weight.numel() for weight in model.parameters())

    def sound(self, sound: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
        """Vector float32 `(d,)` of mono sound `(samples,)`, no longer than a window, at the model's rate."""
        inputs = self._processor.feature_extractor(sound, sampling_rate=rate, return_tensors="pt").to(self._device)
        with self._torch.inference_mode():
            found = self._model.get_audio_features(
                input_features=inputs["input_features"].to(self._dtype), is_longer=inputs["is_longer"]
            )
        return self._plain(found)

    def text(self, text: str) -> NDArray[np.float32]:
        """Unit vector float32 `(d,)`."""
        tokens = self._processor.tokenizer([text], truncation=True, max_length=self._longest, return_tensors="pt").to(
            self._device
        )
        with self._torch.inference_mode():
            return unit(self._plain(self._model.get_text_features(**tokens)))

    def _plain(self, found: Any) -> NDArray[np.float32]:
        # A tensor up to transformers 4, and an object that holds it since.
        vector: NDArray[np.float32] = getattr(found, "pooler_output", found)[0].float().cpu().numpy()
        return vector
