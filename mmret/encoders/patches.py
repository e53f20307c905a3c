"""Pictures and clips as the patches that the Qwen models read, resized by Pillow as the original code does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Grid: TypeAlias = tuple[int, int, int]
"""How many patches there are in time, height and width."""

Patches: TypeAlias = tuple[NDArray[np.float32], Grid]
"""Patches float32 `(patches, channels · time · side²)` and their grid."""


class Patcher:
    """Cuts pictures and clips into patches.

    Pixels that Pillow resizes are the original's to the last bit; those that torchvision resizes, which transformers
    does unless asked, are not.

    Parameters
    ----------
    folder: holds the settings of the model's image processor, such as mean and deviation of the pixels.
    min_pixels, max_pixels: bounds of a resized picture or frame.
    """

    def __init__(self, folder: Path, min_pixels: int, max_pixels: int) -> None:
        from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

        self._processor = Qwen2VLImageProcessorPil.from_pretrained(folder, min_pixels=min_pixels, max_pixels=max_pixels)

    def picture(self, picture: Image.Image) -> Patches:
        """Patches of a picture, each repeated in time."""
        made = self._processor(images=[picture], return_tensors="np")
        _, height, width = (int(n) for n in made["image_grid_thw"][0])
        return made["pixel_values"], (1, height, width)

    def clip(self, frames: Sequence[Image.Image]) -> Patches:
        """Patches of frames of one size, taken two by two; an odd last frame is repeated."""
        made = self._processor(images=list(frames), return_tensors="np")
        _, height, width = (int(n) for n in made["image_grid_thw"][0])
        together, side = self._processor.temporal_patch_size, self._processor.patch_size
        # The processor repeats each picture in time: (frames, places, channels, time, side²).
        still = made["pixel_values"].reshape(len(frames), height * width, -1, together, side**2)
        steps = -(-len(frames) // together)
        chosen = np.arange(steps * together).clip(max=len(frames) - 1).reshape(steps, together)
        moving = np.stack([still[chosen[:, moment], :, :, moment] for moment in range(together)], axis=3)
        return moving.reshape(steps * height * width, -1), (steps, height, width)

    def tokens(self, grid: Grid) -> int:
        """How many tokens patches become."""
        return int(np.prod(grid)) // self._processor.merge_size**2
