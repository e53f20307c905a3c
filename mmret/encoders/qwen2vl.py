"""Qwen2-VL as an embedder, run as VLM2Vec runs it: pictures by Pillow, sequential positions, the last token's state.

The rules are those of VLM2Vec (Jiang et al. 2024, arXiv 2410.05160, and Meng et al. 2025, arXiv 2507.04590; repository
TIGER-AI-Lab/VLM2Vec): the visual tokens stand at the front of a row without marks around them, all tokens count as
sequential positions, rows are padded on the left, and the vector is the last token's state after the final norm.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import cpu_torch
from .batches import Batches, ahead, padded_left, unit_rows
from .content import Kind
from .hub import Weights
from .lora import merge
from .patches import Grid, Patcher, Patches

TOKENS_PER_BATCH = 16_384
SMALLEST_SIDE = 28  # pixels; VLM2Vec makes pictures with a shorter side a square of twice that
PLACEHOLDERS: dict[Kind, str] = {"text": "", "image": "<|image_pad|>", "video": "<|video_pad|>"}


@dataclass(frozen=True, eq=False)
class Row:
    """One sequence ready for the model: ids int64 `(tokens,)`, and what is seen."""

    ids: NDArray[np.int64]
    kind: Kind = "text"
    seen: Patches | None = None


class Qwen2VL:
    """A loaded Qwen2-VL, its adapter merged.

    Parameters
    ----------
    base, adapter: the weights.
    device, dtype: where and in which type it computes, names of torch's.
    min_pixels, max_pixels: bounds of a resized picture or frame.
    """

    def __init__(
        self, base: Weights, adapter: Weights | None, device: str, dtype: str, min_pixels: int, max_pixels: int
    ) -> None:
        cpu_torch.prepare()
        import torch
        from transformers import AutoTokenizer, Qwen2VLForConditionalGeneration

        self._device = device
        self._batches = Batches(TOKENS_PER_BATCH)
        folder = base.fetch()
        with base.loading():
            base.require_kind(folder, "qwen2_vl")
            self._tokenizer = AutoTokenizer.from_pretrained(folder)
            self._patcher = Patcher(folder, min_pixels, max_pixels)
            loaded: Any = Qwen2VLForConditionalGeneration.from_pretrained(
                folder, dtype=getattr(torch, dtype), output_loading_info=True
            )
            model, info = loaded
            base.require_all(info)
        model.eval().to(device)
        self._model = model.model
        if adapter is not None:
            probe = self._row("What is this?", "image", np.arange(56 * 56 * 3, dtype=np.uint8).reshape(1, 56, 56, 3))
            merge(model, adapter, lambda: self._forward([probe]), torch.finfo(getattr(torch, dtype)).eps)
        self.parameters = sum(weight.numel() for weight in model.parameters())

    def embed(self, inputs: Iterable[tuple[str, Kind, NDArray[np.uint8] | None]]) -> NDArray[np.float32]:
        """Unit vectors float32 `(inputs, d)` of texts behind what is seen: frames uint8 `(n, h, w, 3)`, or None."""
        rows = ahead(lambda one: self._row(*one), inputs)
        return np.stack(self._batches.run(rows, lambda row: len(row.ids), self._forward))

    def _row(self, text: str, kind: Kind, frames: NDArray[np.uint8] | None) -> Row:
        if frames is None:
            # An empty text has no token of which the state could be taken.
            return Row(self._tokens(text or self._tokenizer.eos_token))
        patches, grid = self._patches(frames, kind)
        return Row(self._tokens(PLACEHOLDERS[kind] * self._patcher.tokens(grid) + " " + text), kind, (patches, grid))

    def _tokens(self, text: str) -> NDArray[np.int64]:
        return np.asarray(self._tokenizer(text, add_special_tokens=False)["input_ids"], np.int64)

    def _patches(self, frames: NDArray[np.uint8], kind: Kind) -> Patches:
        from PIL import Image

        pictures = [Image.fromarray(frame) for frame in frames]
        if min(pictures[0].size) < SMALLEST_SIDE:
            pictures = [picture.resize((2 * SMALLEST_SIDE, 2 * SMALLEST_SIDE)) for picture in pictures]
        return self._patcher.picture(pictures[0]) if kind == "image" else self._patcher.clip(pictures)

    def _forward(self, rows: Sequence[Row]) -> NDArray[np.float32]:
        """Unit vectors `(rows, d)` of one batch."""
        import torch

        ids, mask = padded_left([row.ids for row in rows], self._tokenizer.pad_token_id)
        positions = (mask.cumsum(1) - 1).clip(0)
        inputs: dict[str, NDArray[Any]] = {
            "input_ids": ids,
            "attention_mask": mask,
            # transformers 5 would place visual tokens in three dimensions, as the original does not.
            "position_ids": np.stack([positions] * 3),
            **stacked([row.seen for row in rows if row.kind == "image"], "pixel_values", "image_grid_thw"),
            **stacked([row.seen for row in rows if row.kind == "video"], "pixel_values_videos", "video_grid_thw"),
        }
        with torch.inference_mode():
            tensors = {name: torch.from_numpy(values).to(self._device) for name, values in inputs.items()}
            return unit_rows(self._model(**tensors, use_cache=False).last_hidden_state[:, -1])


def stacked(seen: Sequence[Patches | None], patches: str, grids: str) -> dict[str, NDArray[Any]]:
    """The patches and grids of several rows under the names that the model knows them by; empty without any."""
    found: list[tuple[NDArray[np.float32], Grid]] = [one for one in seen if one is not None]
    if not found:
        return {}
    return {patches: np.concatenate([one for one, _ in found]), grids: np.asarray([grid for _, grid in found])}
