"""vlm2vec: a Qwen2-VL trained to embed text, pictures and video (Meng et al. 2025, arXiv 2507.04590)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..items import Item, Side
from .base import Options, Spec
from .choices import whole_number
from .content import Content, Kind, read
from .lora import resolve_pair
from .qwen2vl import Qwen2VL
from .registry import register_encoder

# Of VLM2Vec's own evaluation: MSR-VTT, CIRR and MomentSeeker on the query side, MSR-VTT and MMEB on the other.
PROMPTS: Mapping[Side, Mapping[Kind, str]] = {
    "query": {
        "text": "Find a video that contains the following visual content:",
        "image": "Given an image, find a similar everyday image with the described changes:",
        "video": "Find the clip that corresponds to the given sentence and video segment:",
    },
    "document": {
        "text": "",
        "image": "Represent the given image.",
        "video": "Understand the content of the provided video.",
    },
}
MIN_PIXELS, MAX_PIXELS = 3_136, 1_003_520
SIZES_MB = {  # without the adapters, which are small
    "Qwen/Qwen2-VL-2B-Instruct": 4_430.0,
    "Qwen/Qwen2-VL-7B-Instruct": 16_600.0,
}
SMALL = "Qwen/Qwen2-VL-2B-Instruct+VLM2Vec/VLM2Vec-V2.0"
LARGE = "Qwen/Qwen2-VL-7B-Instruct+TIGER-Lab/VLM2Vec-Qwen2VL-7B"


@register_encoder
class VLM2Vec:
    """Reads text, pictures and the frames of clips; hears nothing.

    A row is the frames, a prompt and the text; which prompt depends on the side and on what is seen (`PROMPTS`), unless
    the choices `query_prompt` and `document_prompt` name one. `min_pixels` and `max_pixels` bound a resized frame.
    `sampling="vlm2vec"` with 8 frames takes the frames that the original takes.
    """

    spec = Spec(
        name="vlm2vec",
        revision="1",
        query=frozenset({"text", "image", "video"}),
        document=frozenset({"text", "image", "video"}),
        summary="VLM2Vec on Qwen2-VL: text, pictures and frames in one vision-language model; V2 2B unless named",
        licence="Apache-2.0",
        parameters=2_208_985_600,
        packages=("transformers", "peft", "accelerate"),
        extra="models",
        download_mb=SIZES_MB["Qwen/Qwen2-VL-2B-Instruct"],
        weights=tuple(SMALL.split("+")),
        training_data="MMEB-V2's training part: retrieval, classification and questions over images, videos and pages",
        limits=(
            "Hears nothing. The original takes its frames by --sampling vlm2vec, and its published figures were made "
            "in bfloat16, which moves vectors by about 0.01. Prompts were trained on tasks without composed clips."
        ),
        argument=f"the weights, BASE or BASE+ADAPTER, folders or IDs, such as {LARGE}",
        default=SMALL,
    )

    def __init__(self, options: Options, weights: str) -> None:
        base, adapter = resolve_pair(weights, cache=options.cache, sizes_mb=SIZES_MB)
        self.spec = self.spec.member(weights, "+".join(part.revision for part in (base, adapter) if part))
        self._prompts = {side: _prompts(side, options) for side in PROMPTS}
        self.preprocessing: Mapping[str, Any] = {
            **options.decoding,
            "min_pixels": whole_number(options, "min_pixels", MIN_PIXELS),
            "max_pixels": whole_number(options, "max_pixels", MAX_PIXELS),
            "query_prompt": self._prompts["query"], "document_prompt": self._prompts["document"],
            "pooling": "last token", "normalised": True, "positions": "sequential", "dtype": options.dtype,
        }  # fmt: skip
        self._options = options
        self._weights = base, adapter
        self._loader = options.loader()

    @cached_property
    def _model(self) -> Qwen2VL:
        with self._options.meter.stage("load model"):
            pixels = self.preprocessing["min_pixels"], self.preprocessing["max_pixels"]
            model = Qwen2VL(*self._weights, self._options.device, self._options.dtype, *pixels)
            self.spec = replace(self.spec, parameters=model.parameters)
            return model

    def embed(self, items: Sequence[Item], side: Side) -> NDArray[np.float32]:
        """Unit vectors float32 `(len(items), d)`."""
        seen = [item.keep(self.spec.reads(side)) for item in items]
        self._loader.expect(seen)
        return self.embed_contents((read(item, self._loader) for item in seen), side)

    def embed_contents(self, contents: Iterable[Content], side: Side) -> NDArray[np.float32]:
        """Unit vectors float32 `(number of contents, d)`."""
        return self._model.embed((self._text(one, side), one.kind, one.frames) for one in contents)

    def _text(self, content: Content, side: Side) -> str:
        """What stands behind the visual tokens; the tasks with pictures end in a line break."""
        words = " ".join(filter(None, (self._prompts[side][content.kind], content.text)))
        return f"{words}\n" if content.kind == "image" else words


def _prompts(side: Side, options: Options) -> dict[Kind, str]:
    """The prompts of a side by what is seen: the one that was chosen, or VLM2Vec's."""
    chosen = options.choices.get(f"{side}_prompt")
    return {kind: own if chosen is None else chosen for kind, own in PROMPTS[side].items()}
