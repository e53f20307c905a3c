"""The thinker of Qwen2.5-Omni as an embedder, run as Tevatron's OmniEmbed runs it.

The rules are those of Tevatron 2.0 (Ma et al. 2025, arXiv 2505.02466; repository texttron/tevatron): a message of the
user in the chat template, holding text, picture, frames and sound in this order, without a prompt for an answer and
with "<|endoftext|>" behind it; sound stands by itself and not between the frames; the vector is the last token's state.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import cpu_torch
from .batches import Batches, ahead, padded_left, unit_rows
from .content import Content
from .hub import Weights
from .lora import merge
from .patches import Patcher, Patches
from .qwen2vl import stacked

TOKENS_PER_BATCH = 16_384
TEXT_TOKENS = 512  # of the query or passage; longer ones are cut
RATE = 16_000  # Hz
SECONDS_PER_STEP = 1.0  # between two pairs of frames: the original's processor takes any clip for 2 frames a second
END = "<|endoftext|>"


@dataclass(frozen=True, eq=False)
class Row:
    """One sequence ready for the model: ids int64 `(tokens,)`, what is seen, and log-mel `(bands, steps)`."""

    ids: NDArray[np.int64]
    picture: Patches | None = None
    clip: Patches | None = None
    mel: NDArray[np.float32] | None = None


class QwenOmni:
    """A loaded thinker, its adapter merged.

    Parameters
    ----------
    base, adapter: the weights. Tokenizer and processor come with the adapter where it holds them, else with the base.
    device, dtype: where and in which type it computes, names of torch's.
    pixels: least and most of a resized frame.
    picture_pixels: least and most of a resized picture.
    """

    def __init__(
        self,
        base: Weights,
        adapter: Weights | None,
        device: str,
        dtype: str,
        pixels: tuple[int, int],
        picture_pixels: tuple[int, int],
    ) -> None:
        cpu_torch.prepare()
        import torch

        self._device = device
        self._batches = Batches(TOKENS_PER_BATCH)
        folder = base.fetch()
        model = load_thinker(base, dtype)
        with (adapter or base).loading():
            self._read_processor(_processor_folder(folder, adapter), pixels, picture_pixels)
        model.eval().to(device)
        self._model = model.model
        if adapter is not None:
            noise = np.arange(56 * 56 * 3, dtype=np.uint8).reshape(1, 56, 56, 3)
            probe = self._row(Content("What is this?", noise, still=True))
            merge(model, adapter, lambda: self._forward([probe]), torch.finfo(getattr(torch, dtype)).eps)
        self.parameters = sum(weight.numel() for weight in model.parameters())

    def embed(self, contents: Iterable[Content]) -> NDArray[np.float32]:
        """Unit vectors float32 `(number of contents, d)`; sound is mono at 16 kHz."""
        rows = ahead(self._row, contents)
        return np.stack(self._batches.run(rows, lambda row: len(row.ids), self._forward))

    def _read_processor(self, folder: Path, pixels: tuple[int, int], picture_pixels: tuple[int, int]) -> None:
        from transformers import AutoTokenizer, WhisperFeatureExtractor

        self._tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        self._ears = WhisperFeatureExtractor.from_pretrained(folder)
        self._frames = Patcher(folder, *pixels)
        self._pictures = Patcher(folder, *picture_pixels)
        template = folder / "chat_template.jinja"
        if self._tokenizer.chat_template is None and template.exists():
            self._tokenizer.chat_template = template.read_text(encoding="utf-8")

    def _row(self, content: Content) -> Row:
        from PIL import Image

        words, picture, clip, mel = self._tokenizer, None, None, None
        said: list[dict[str, str]] = []
        if content.text:
            ids = words(content.text, truncation=True, max_length=TEXT_TOKENS, add_special_tokens=False)["input_ids"]
            said.append({"type": "text", "text": words.decode(ids)})
        if content.frames is not None:
            frames = [Image.fromarray(frame) for frame in content.frames]
            if content.still:
                picture = self._pictures.picture(frames[0])
                said.append({"type": "image", "image": ""})
            else:
                clip = self._frames.clip(frames)
                said.append({"type": "video", "video": ""})
        if content.sound is not None and content.sound.size:
            mel = self._mel(content.sound)
            said.append({"type": "audio", "audio": ""})
        message = [{"role": "user", "content": said}]
        text: str = words.apply_chat_template(message, tokenize=False, add_generation_prompt=False) + END
        counts = {
            words.image_token: self._pictures.tokens(picture[1]) if picture else 0,
            words.video_token: self._frames.tokens(clip[1]) if clip else 0,
            words.audio_token: _sound_tokens(mel.shape[1]) if mel is not None else 0,
        }
        for token, count in counts.items():
            if count:
                text = text.replace(token, token * count)
        return Row(np.asarray(words(text, add_special_tokens=False)["input_ids"], np.int64), picture, clip, mel)

    def _mel(self, sound: NDArray[np.float32]) -> NDArray[np.float32]:
        """Log-mel float32 `(bands, steps)` of a sound, cut after the extractor's longest.

        The original fills a sound up to that length and drops the filling afterwards; a little of it does the same.
        """
        heard = sound[: self._ears.n_samples]
        heard = np.pad(heard, (0, max(0, 3 * self._ears.hop_length - len(heard))))  # less makes no token
        filled = min(len(heard) + 2 * self._ears.n_fft, self._ears.n_samples)
        made = self._ears(
            heard, sampling_rate=RATE, padding="max_length", max_length=filled, return_attention_mask=True,
            return_tensors="np",
        )  # fmt: skip
        mel: NDArray[np.float32] = made["input_features"][0][:, made["attention_mask"][0].astype(bool)]
        return mel

    def _forward(self, rows: Sequence[Row]) -> NDArray[np.float32]:
        """Unit vectors `(rows, d)` of one batch."""
        import torch

        ids, mask = padded_left([row.ids for row in rows], self._tokenizer.pad_token_id)
        clips = [row.clip for row in rows if row.clip is not None]
        inputs: dict[str, NDArray[Any]] = {
            "input_ids": ids,
            "attention_mask": mask,
            **stacked([row.picture for row in rows], "pixel_values", "image_grid_thw"),
            **stacked(clips, "pixel_values_videos", "video_grid_thw"),
            **_heard([row.mel for row in rows if row.mel is not None]),
        }
        if clips:
            inputs["video_second_per_grid"] = np.full(len(clips), SECONDS_PER_STEP, np.float32)
        with torch.inference_mode():
            tensors = {name: torch.from_numpy(values).to(self._device) for name, values in inputs.items()}
            if "input_features" in tensors:
                tensors["input_features"] = tensors["input_features"].to(self._model.dtype)
            return unit_rows(self._model(**tensors, use_cache=False).last_hidden_state[:, -1])


def load_thinker(weights: Weights, dtype: str) -> Any:
    """The thinker of Qwen2.5-Omni, transformers' own class, from its own weights or those of the whole model.

    Raises `RunError` for weights that are not of it, or not complete.
    """
    cpu_torch.prepare()
    import torch
    from transformers import Qwen2_5OmniThinkerForConditionalGeneration

    folder = weights.fetch()
    with weights.loading():
        weights.require_kind(folder, "qwen2_5_omni_thinker", "qwen2_5_omni")
        loaded: Any = Qwen2_5OmniThinkerForConditionalGeneration.from_pretrained(
            folder, dtype=getattr(torch, dtype), output_loading_info=True
        )
        model, info = loaded
        weights.require_all(info)
    return model


def _processor_folder(base: Path, adapter: Weights | None) -> Path:
    if adapter is not None and (adapter.fetch() / "preprocessor_config.json").exists():
        return adapter.fetch()
    return base


def _sound_tokens(steps: int) -> int:
    """Tokens of a sound of so many log-mel steps of 10 ms, after the encoder's two strides."""
    return ((steps - 1) // 2 + 1 - 2) // 2 + 1


def _heard(mels: Sequence[NDArray[np.float32]]) -> dict[str, NDArray[Any]]:
    """Log-mels filled up to the longest, and the mask of what is no filling; empty without any."""
    if not mels:
        return {}
    longest = max(mel.shape[1] for mel in mels)
    mask = np.asarray([np.arange(longest) < mel.shape[1] for mel in mels]).astype(np.int64)
    return {
        "input_features": np.stack([np.pad(mel, ((0, 0), (0, longest - mel.shape[1]))) for mel in mels]),
        "feature_attention_mask": mask,
    }
