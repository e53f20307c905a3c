"""omni:WEIGHTS: annotations by Qwen2.5-Omni (Xu et al. 2025, arXiv 2503.20215) through transformers, here.

The model is asked as a server is, with the form in words; the likeliest token is taken, over and over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ....chat import Answer
from ....encoders.hub import resolve
from ....encoders.qwen_omni import load_thinker
from ..config import Describe
from ..llm import Prompt, in_words, messages, settle, typed
from ..project import Outcome
from ..records import Clip, Description
from .base import description, faults
from .parts import RATE, frames_and_sound
from .schema import Annotation


class OmniDescriber:
    """Qwen2.5-Omni's thinker, one clip at a time. The prompt is `describe.md`.

    Parameters
    ----------
    weights: a folder or an ID of the Hub.
    device, dtype: where and in which type it computes, names of torch's.
    cache: mmret's cache folder.

    Raises `InputError` where the weights are not here.
    """

    def __init__(
        self, settings: Describe, weights: str, device: str, dtype: str = "bfloat16", cache: Path | None = None
    ) -> None:
        self._settings, self._device, self._dtype = settings, device, dtype
        self._weights = resolve(weights, cache=cache)
        self._prompt = Prompt.named("describe")
        folder = self._weights.folder
        self.name = f"omni:{weights if folder is None else folder.name}"  # where it lies here concerns nobody
        self.identity: Mapping[str, Any] = {
            "weights": self._weights.revision, "dtype": dtype, "prompt": self._prompt.digest,
            "schema": Annotation.model_json_schema(), "frames": settings.frames, "side": settings.side,
            "sound": settings.sound, "tokens": settings.tokens,
        }  # fmt: skip

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        """Processor and model."""
        model = load_thinker(self._weights, self._dtype)
        from transformers import GenerationConfig, Qwen2_5OmniProcessor

        with self._weights.loading():
            processor: Any = Qwen2_5OmniProcessor.from_pretrained(self._weights.fetch())
        words = processor.tokenizer
        # The folder's own settings may draw at random.
        model.generation_config = GenerationConfig(
            max_new_tokens=self._settings.tokens,
            do_sample=False,
            eos_token_id=list({words.eos_token_id, words.convert_tokens_to_ids("<|im_end|>")}),
            pad_token_id=words.pad_token_id,
        )
        return processor, model.eval().to(self._device)

    def describe(self, clip: Clip, path: Path) -> Outcome:
        """The model's annotation."""

        def make() -> Description:
            frames, sound = frames_and_sound(path, self._settings)
            rate = len(frames) / (clip.end - clip.start)
            made = typed(lambda talk: self.answer(frames, rate, sound, talk), Annotation, faults)
            return description(clip, made, self.name)

        return settle(make)

    def answer(
        self, frames: Sequence[Image.Image], rate: float, sound: NDArray[np.float32] | None, talk: Sequence[str]
    ) -> Answer:
        """What the model says of frames taken `rate` a second, and sound float32 `(samples,)` at 16 kHz."""
        import torch

        processor, model = self._loaded
        media = [{"type": "video", "video": ""}] + ([{"type": "audio", "audio": ""}] if sound is not None else [])
        asked = messages(media, in_words(self._prompt.text, Annotation.model_json_schema()), talk)
        text = processor.apply_chat_template(
            [_in_parts(one) for one in asked], tokenize=False, add_generation_prompt=True
        )
        inputs = processor(
            text=[text],
            videos=[np.stack([np.asarray(frame) for frame in frames])],
            audio=None if sound is None else [sound],
            videos_kwargs={"do_sample_frames": False, "fps": rate},
            audio_kwargs={"sampling_rate": RATE},
            return_tensors="pt",
        ).to(self._device, model.dtype)
        with torch.inference_mode():
            written = model.generate(**inputs)[0, inputs["input_ids"].shape[1] :]
        read, count = inputs["input_ids"].shape[1], len(written)
        return Answer(processor.decode(written, skip_special_tokens=True), count >= self._settings.tokens, read, count)


def _in_parts(message: Any) -> Any:
    """A message whose content is a list of parts, which is all that the model's template knows."""
    content = message["content"]
    return {**message, "content": [{"type": "text", "text": content}] if isinstance(content, str) else content}
