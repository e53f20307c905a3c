"""Tiny models of the real classes, drawn at random, in folders as their libraries write them."""

from __future__ import annotations

import json
from pathlib import Path

from mmret import cpu_torch

cpu_torch.prepare()

CLIP = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "patch_size": 8},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
}
PREPROCESS = {"mean": [0.4, 0.5, 0.6], "std": [0.2, 0.25, 0.3], "interpolation": "bilinear", "resize_mode": "shortest"}


def tiny_clip(folder: Path, seed: int = 0) -> Path:
    """A CLIP of open_clip with its own tokenizer of 49,408 tokens."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True)
    torch.manual_seed(seed)
    model = open_clip.CLIP(**CLIP)
    for name, weight in model.named_parameters():  # fresh weights hardly tell one input from another
        if name.endswith("weight") and weight.ndim > 1:
            torch.nn.init.normal_(weight, std=0.3)
    save_file(model.state_dict(), folder / "open_clip_model.safetensors")
    config = {"model_cfg": CLIP, "preprocess_cfg": PREPROCESS}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    return folder
