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
from .backbone import Kind
from .batches import Batches, ahead
from .hub import Weights
from .lora import merge

TOKENS_PER_BATCH = 16_384
SMALLEST_SIDE = 28  # pixels; VLM2Vec makes pictures with a shorter side a square of twice that
PLACEHOLDERS: dict[Kind, str] = {"text": "", "image": "<|image_pad|>", "video": "<|video_pad|>"}


@dataclass(frozen=True, eq=False)
class Row:
    """One sequence ready for the model.

    `ids` int64 `(tokens,)`; where something is seen, `patches` float32 `(patches, channels · time · side²)` and `grid`,
    how many there are in time, height and width.
    """

    ids: NDArray[np.int64]
    kind: Kind
    patches: NDArray[np.float32] | None = None
    grid: tuple[int, int, int] | None = None


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
        from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

        self._torch = torch
        self._device = device
        self._batches = Batches(TOKENS_PER_BATCH)
        folder = base.fetch()
        with base.loading():
            base.require_kind(folder, "qwen2_vl")
            self._tokenizer = AutoTokenizer.from_pretrained(folder)
            # Pixels that Pillow resizes are the original's to the last bit; torchvision's are not.
            self._pictures = Qwen2VLImageProcessorPil.from_pretrained(
                folder, min_pixels=min_pixels, max_pixels=max_pixels
            )
            loaded: Any = Qwen2VLForConditionalGeneration.from_pretrained(
                folder, dtype=getattr(torch, dtype), output_loading_info=True
            )
            model, info = loaded
            base.require_all(info)
        model.eval().to(device)
        self.parameters = sum(weight.numel() for weight in model.parameters())
        self._model = model.model
        if adapter is not None:
            probe = self.row("What is this?", "image", np.arange(56 * 56 * 3, dtype=np.uint8).reshape(1, 56, 56, 3))
            merge(model, adapter, lambda: self._forward([probe]), torch.finfo(getattr(torch, dtype)).eps)

    def embed(self, inputs: Iterable[tuple[str, Kind, NDArray[np.uint8] | None]]) -> NDArray[np.float32]:
        """Unit vectors float32 `(inputs, d)` of texts behind what is seen: frames uint8 `(n, h, w, 3)`, or None."""
        rows = ahead(lambda one: self.row(*one), inputs)
        return np.stack(self._batches.run(rows, lambda row: len(row.ids), self._forward))

    def row(self, text: str, kind: Kind, frames: NDArray[np.uint8] | None) -> Row:
        """Tokens and patches of one input; `text` comes without its placeholder."""
        if frames is None:
            # An empty text has no token of which the state could be taken.
            return Row(self._tokens(text or self._tokenizer.eos_token), "text")
        patches, grid = self._patches(frames, kind)
        visual = int(np.prod(grid)) // self._pictures.merge_size**2
        return Row(self._tokens(PLACEHOLDERS[kind] * visual + " " + text), kind, patches, grid)

    def _tokens(self, text: str) -> NDArray[np.int64]:
        return np.asarray(self._tokenizer(text, add_special_tokens=False)["input_ids"], np.int64)

    def _patches(self, frames: NDArray[np.uint8], kind: Kind) -> tuple[NDArray[np.float32], tuple[int, int, int]]:
        """Patches of a picture, or of frames taken two by two; an odd last frame is repeated."""
        from PIL import Image

        pictures = [Image.fromarray(frame) for frame in frames]
        if min(pictures[0].size) < SMALLEST_SIDE:
            pictures = [picture.resize((2 * SMALLEST_SIDE, 2 * SMALLEST_SIDE)) for picture in pictures]
        made = self._pictures(images=pictures, return_tensors="np")
        _, height, width = (int(n) for n in made["image_grid_thw"][0])
        together = self._pictures.temporal_patch_size
        # The processor repeats each picture in time: (frames, places, channels, time, side²).
        still = made["pixel_values"].reshape(len(frames), height * width, -1, together, self._pictures.patch_size**2)
        if kind == "image":
            return still.reshape(height * width, -1), (1, height, width)
        chosen = np.arange(-(-len(frames) // together) * together).clip(max=len(frames) - 1).reshape(-1, together)
        moving = np.stack([still[chosen[:, moment], :, :, moment] for moment in range(together)], axis=3)
        return moving.reshape(len(chosen) * height * width, -1), (len(chosen), height, width)

    def _forward(self, rows: Sequence[Row]) -> NDArray[np.float32]:
        """Unit vectors `(rows, d)` of one batch."""
        torch = self._torch
        longest = max(len(row.ids) for row in rows)
        ids = np.full((len(rows), longest), self._tokenizer.pad_token_id, np.int64)
        mask = np.zeros((len(rows), longest), np.int64)
        for i, row in enumerate(rows):
            ids[i, longest - len(row.ids) :] = row.ids
            mask[i, longest - len(row.ids) :] = 1
        positions = (mask.cumsum(1) - 1).clip(0)
        inputs = {
            "input_ids": ids,
            "attention_mask": mask,
            # transformers 5 would place visual tokens in three dimensions, as the original does not.
            "position_ids": np.broadcast_to(positions, (3, *positions.shape)).copy(),
            **_seen(rows, "image", "pixel_values", "image_grid_thw"),
            **_seen(rows, "video", "pixel_values_videos", "video_grid_thw"),
        }
        with torch.inference_mode():
            tensors = {name: torch.from_numpy(values).to(self._device) for name, values in inputs.items()}
            last = self._model(**tensors, use_cache=False).last_hidden_state[:, -1].float()
            vectors: NDArray[np.float32] = torch.nn.functional.normalize(last, dim=-1).cpu().numpy()
        return vectors


def _seen(rows: Sequence[Row], kind: Kind, patches: str, grids: str) -> dict[str, NDArray[Any]]:
    """The patches and grids of all rows of a kind under the names that the model knows them by; empty without any."""
    seen = [row for row in rows if row.kind == kind]
    if not seen:
        return {}
    return {patches: np.concatenate([row.patches for row in seen]), grids: np.asarray([row.grid for row in seen])}
