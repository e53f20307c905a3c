"""qwen2-audio: free captions by Qwen2-Audio (Chu et al. 2024, arXiv 2407.10759) through transformers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ... import cpu_torch
from ..base import Options
from ..choices import one_of, whole_number
from ..hub import Weights, resolve
from .base import Sound
from .prompts import PROMPT, TOKENS

DEFAULT = "Qwen/Qwen2-Audio-7B-Instruct"
PARAMETERS = 8_397_094_912
SIZE_MB = 16_800.0
SHORTEST = 7 * 160  # samples, 70 ms: the model makes two tokens of it; transformers takes a single one for the sound
BASE_FORM = "<|audio_bos|><|AUDIO|><|audio_eos|>{prompt}"


class Qwen2AudioCaptions:
    """Greedy captions.

    Choices: `caption_prompt`; `caption_tokens`, the most tokens of a caption (72); `caption_form`, "chat" for the
    instructed model's template and "base" for the sound and the prompt alone; `caption_batch`, the sounds that go
    through the model together (1: in bfloat16 a caption may depend on its neighbours through rounding). The model
    hears the first 30 s of a sound.
    """

    revision: str
    rate, family = 16_000, "qwen"

    def __init__(self, options: Options, weights: str = "") -> None:
        self._weights: Weights = resolve(
            weights or DEFAULT, cache=options.cache, size_mb=SIZE_MB if weights in ("", DEFAULT) else 0.0
        )
        self.name = f"qwen2-audio:{weights}" if weights else "qwen2-audio"
        self.revision = f"1 {self._weights.revision}"
        self.settings: Mapping[str, Any] = {
            "caption_prompt": options.choices.get("caption_prompt", PROMPT),
            "caption_tokens": whole_number(options, "caption_tokens", TOKENS),
            "caption_form": one_of(options, "caption_form", ("chat", "base")),
            "caption_batch": whole_number(options, "caption_batch", 1),
            "decoding": "greedy",
            "dtype": options.dtype,
        }
        self.parameters = PARAMETERS if weights in ("", DEFAULT) else 0
        self._options = options

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        """Processor and model."""
        cpu_torch.prepare()
        import torch
        from transformers import AutoProcessor, GenerationConfig, Qwen2AudioForConditionalGeneration

        folder = self._weights.fetch()
        with self._weights.loading(), self._options.meter.stage("load model"):
            self._weights.require_kind(folder, "qwen2_audio")
            processor: Any = AutoProcessor.from_pretrained(folder)
            processor.tokenizer.padding_side = "left"
            loaded: Any = Qwen2AudioForConditionalGeneration.from_pretrained(
                folder, dtype=getattr(torch, self._options.dtype), output_loading_info=True
            )
            model, info = loaded
            self._weights.require_all(info)
        # The folder's own settings would draw at random and punish repetition.
        model.generation_config = GenerationConfig(
            max_new_tokens=self.settings["caption_tokens"],
            do_sample=False,
            eos_token_id=model.generation_config.eos_token_id,
            pad_token_id=processor.tokenizer.pad_token_id,
        )
        self.parameters = sum(weight.numel() for weight in model.parameters())
        return processor, model.eval().to(self._options.device)

    def caption(self, sounds: Sequence[Sound]) -> list[str]:
        """The caption of each sound."""
        batch = self.settings["caption_batch"]
        starts = range(0, len(sounds), batch)
        return [text for start in starts for text in self._caption(sounds[start : start + batch])]

    def _caption(self, sounds: Sequence[Sound]) -> list[str]:
        import torch

        processor, model = self._loaded
        inputs = processor(
            text=[self._asked] * len(sounds),
            audio=[np.pad(sound.samples, (0, max(0, SHORTEST - len(sound.samples)))) for sound in sounds],
            sampling_rate=self.rate,
            padding=True,
            return_tensors="pt",
        ).to(self._options.device)
        inputs["input_features"] = inputs["input_features"].to(model.dtype)
        with torch.inference_mode():
            written = model.generate(**inputs)[:, inputs["input_ids"].shape[1] :]
        return [text.strip() for text in processor.batch_decode(written, skip_special_tokens=True)]

    @cached_property
    def _asked(self) -> str:
        """The prompt in its form, with the place of the sound in it."""
        prompt = self.settings["caption_prompt"]
        if self.settings["caption_form"] == "base":
            return BASE_FORM.format(prompt=prompt)
        said = [{"type": "audio", "audio_url": ""}, {"type": "text", "text": prompt}]
        processor, _ = self._loaded
        asked: str = processor.apply_chat_template(
            [{"role": "user", "content": said}], add_generation_prompt=True, tokenize=False
        )
        return asked
