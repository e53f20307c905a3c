"""Batches as on a GPU, and a tokenizer that pads on the other side, change no vector beyond rounding."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmret.encoders import Encoder, Options, create_encoder
from mmret.encoders.batches import Batches
from mmret.items import Item, Media
from mmret.media import Workers
from mmret.vectors import matrix_of

from . import tiny, tiny_qwen

TEXTS = ["A dog.", "a train and a piano " * 6, "snow", "the sound of rain on a roof, and then silence"]
BUILD: dict[str, Callable[[Path], Path]] = {
    "clap": tiny.tiny_clap,
    "clip": tiny.tiny_clip,
    "st": tiny.tiny_bert,
    "vlm2vec": tiny_qwen.qwen2vl,
    "omniembed": tiny_qwen.omni,
    "colqwen2": tiny_qwen.colqwen2,
    "colpali": tiny_qwen.colpali,
}


def made(kind: str, folder: Path, workers: Workers) -> Encoder:
    argument = f"local-dir:{folder}" if kind == "clip" else folder
    encoder = create_encoder(f"{kind}:{argument}", Options(workers, frames=2))
    assert isinstance(encoder, Encoder)
    return encoder


def holder(encoder: Encoder) -> Any:
    """What of an encoder makes the batches: itself, or the model inside."""
    return encoder if hasattr(encoder, "_batches") else encoder._model


def pad_on(folder: Path, side: str) -> None:
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"padding_side": side}))


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("kind", BUILD)
def test_batches_and_padding_change_nothing(
    kind: str, side: str, tmp_path: Path, workers: Workers, small: Path
) -> None:
    folder = BUILD[kind](tmp_path / "model")
    items = [Item(f"t{i}", text=text) for i, text in enumerate(TEXTS)]
    if kind not in ("st", "colqwen2", "colpali"):
        clips = [Media(path) for path in sorted(small.rglob("*.mp4"))[:3]]
        items += [Item(str(clip), video=clip, audio=clip) for clip in clips]
    # Left out: CLIP has a tokenizer of its own; BERT counts positions from the left end, padding included.
    if kind not in ("clip", "st"):
        pad_on(folder, side)
    encoder = made(kind, folder, workers)
    holder(encoder)._batches = Batches(1)
    alone = matrix_of(encoder.embed(items, "query"))
    encoder = made(kind, folder, workers)
    holder(encoder)._batches = Batches(10_000)
    together = matrix_of(encoder.embed(items, "query"))
    assert alone.shape == together.shape
    assert len(np.unique(alone, axis=0)) > 3
    np.testing.assert_allclose(together, alone, atol=1e-5)
