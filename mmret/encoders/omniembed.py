"""omniembed: Tevatron's OmniEmbed, which reads text, pictures, frames and native sound (arXiv 2505.02466)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..items import Item, Side
from .base import Options, Spec
from .choices import one_of, whole_number
from .content import Content, read
from .lora import resolve_pair
from .qwen_omni import RATE, QwenOmni
from .registry import register_encoder

DEFAULT = "Tevatron/Qwen2.5-Omni-7B-Thinker+Tevatron/OmniEmbed-v0.1"
SIZES_MB = {"Tevatron/Qwen2.5-Omni-7B-Thinker": 17_860.0}  # without the adapter, which is small
# Of the model card, for frames; training had squares of 784 pixels for pictures.
MIN_PIXELS, MAX_PIXELS = 32 * 14 * 14, 64 * 28 * 28
MIN_PICTURE, MAX_PICTURE = 4 * 28 * 28, 784 * 784


@register_encoder
class OmniEmbed:
    """Reads whatever an item holds.

    Choices: `sound`, "on" or "off": without it the model is deaf, and says so in its spec; `query_prompt` ("Query: ")
    and `document_prompt` (empty), which stand before the text; `min_pixels` and `max_pixels` of a resized frame.
    """

    spec = Spec(
        name="omniembed",
        revision="1",
        query=frozenset({"text", "image", "video", "audio"}),
        document=frozenset({"text", "image", "video", "audio"}),
        summary="OmniEmbed on Qwen2.5-Omni 7B: text, pictures, frames and native sound in one model",
        licence="MIT (the adapter), Apache-2.0 (the base model)",
        parameters=8_931_813_888,
        packages=("transformers", "peft", "accelerate"),
        extra="models",
        download_mb=SIZES_MB["Tevatron/Qwen2.5-Omni-7B-Thinker"],
        weights=tuple(DEFAULT.split("+")),
        training_data="BEIR's text, PixMo-Docs, ColPali's pages, MSR-VTT and AudioCaps",
        limits=(
            "Trained on 24 frames a clip; the original takes any clip for 2 frames a second. Pictures and frames keep "
            "their shape, as on the model card; Tevatron's scripts make them squares of 784 and 280 pixels. "
            "Never trained on a text together with a clip."
        ),
        argument="the weights, BASE or BASE+ADAPTER, folders or IDs",
        default=DEFAULT,
    )

    def __init__(self, options: Options, weights: str) -> None:
        base, adapter = resolve_pair(weights, cache=options.cache, sizes_mb=SIZES_MB)
        sound = one_of(options, "sound", ("on", "off"))
        reads = self.spec.query if sound == "on" else self.spec.query - {"audio"}
        own = self.spec.member(weights, "+".join(part.revision for part in (base, adapter) if part))
        self.spec = replace(own, query=reads, document=reads)
        self.preprocessing: Mapping[str, Any] = {
            **options.decoding, "sound": sound,
            "sample_rate": RATE if sound == "on" else None,
            "min_pixels": whole_number(options, "min_pixels", MIN_PIXELS),
            "max_pixels": whole_number(options, "max_pixels", MAX_PIXELS),
            "picture_pixels": [MIN_PICTURE, MAX_PICTURE],
            "query_prompt": options.choices.get("query_prompt", "Query: "),
            "document_prompt": options.choices.get("document_prompt", ""),
            "pooling": "last token", "normalised": True, "dtype": options.dtype,
        }  # fmt: skip
        self._options = options
        self._weights = base, adapter
        self._loader = options.loader(sound=sound == "on")

    @cached_property
    def _model(self) -> QwenOmni:
        with self._options.meter.stage("load model"):
            pixels = self.preprocessing["min_pixels"], self.preprocessing["max_pixels"]
            made = QwenOmni(
                *self._weights, self._options.device, self._options.dtype, pixels, (MIN_PICTURE, MAX_PICTURE)
            )
            self.spec = replace(self.spec, parameters=made.parameters)
            return made

    def embed(self, items: Sequence[Item], side: Side) -> NDArray[np.float32]:
        """Unit vectors float32 `(len(items), d)`."""
        known = [item.keep(self.spec.reads(side)) for item in items]
        self._loader.expect(known)
        rate = RATE if self.preprocessing["sound"] == "on" else 0
        return self.embed_contents((read(item, self._loader, rate) for item in known), side)

    def embed_contents(self, contents: Iterable[Content], side: Side) -> NDArray[np.float32]:
        """Unit vectors float32 `(number of contents, d)`."""
        prompt = self.preprocessing[f"{side}_prompt"]
        return self._model.embed(replace(one, text=prompt + one.text if one.text else "") for one in contents)
