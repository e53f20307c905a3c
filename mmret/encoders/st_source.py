"""What a folder of sentence-transformers says about its model, without loading it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import cpu_torch
from ..errors import InputError
from ..items import Side
from .base import Options, Spec
from .hub import Weights, resolve

SPEC = Spec(
    name="st",
    revision="1",
    query=frozenset({"text"}),
    document=frozenset({"text"}),
    summary="any model of sentence-transformers; pictures, frames and sound too where the model reads them",
    licence="that of the weights",
    parameters=22_713_216,
    packages=("sentence_transformers", "torch", "transformers"),
    extra="models",
    download_mb=91.0,
    weights=("sentence-transformers/all-MiniLM-L6-v2",),
    training_data="that of the weights",
    limits="A clip is shown as single frames.",
    argument="an ID of the Hub, or a folder",
    default="sentence-transformers/all-MiniLM-L6-v2",
)
_KINDS = ("SentenceTransformer", "MultiVectorEncoder", "CrossEncoder")
_SIDE_PROMPTS: dict[Side, tuple[str, ...]] = {"query": ("query",), "document": ("document", "passage", "corpus")}


@dataclass(frozen=True)
class Source:
    """A model of sentence-transformers, not yet loaded; made by `find_source`.

    Parameters
    ----------
    weights: where it lies.
    kind: the class that loads it.
    prompts: what is put before a text, by side.
    similarity: "cosine", "dot", "maxsim", "meanmaxsim", or what else its folder says.
    text_alone: whether it is known to read nothing but text; else only the loaded model can tell.
    spec: of this member of the family.
    """

    weights: Weights
    kind: str
    prompts: Mapping[Side, str]
    similarity: str
    text_alone: bool
    spec: Spec

    def load(self, options: Options, dimensions: int = 0) -> Any:
        """The model on its device, in its dtype; it cuts vectors to `dimensions`, if not 0."""
        cpu_torch.prepare()
        import sentence_transformers
        import torch
        from transformers.utils import logging

        logging.disable_progress_bar()
        folder = self.weights.fetch()
        cut: dict[str, Any] = {"truncate_dim": dimensions} if dimensions else {}
        with self.weights.loading():
            model: Any = getattr(sentence_transformers, self.kind)(
                str(folder),
                device=options.device,
                local_files_only=True,
                model_kwargs={"dtype": getattr(torch, options.dtype)},
                **cut,
            )
            return model.eval()


def find_source(argument: str, options: Options) -> Source:
    """What a folder or an ID holds. Raises `InputError` for a kind of model that cannot be scored here."""
    weights = resolve(argument, cache=options.cache, size_mb=SPEC.size_of(argument))
    folder = weights.fetch("*.json", "*.txt")
    config = _read(folder / "config_sentence_transformers.json")
    kind = _kind(config, _read(folder / "config.json"))
    if kind not in _KINDS:
        raise InputError(f"st:{argument} is a {kind}; those that can be scored: {', '.join(_KINDS)}")
    prompts = {side: _prompt(config, side) for side in _SIDE_PROMPTS}
    usual = "maxsim" if kind == "MultiVectorEncoder" else "cosine"
    spec = SPEC.member(argument, weights.revision)
    text_alone = kind == "CrossEncoder" or not any(folder.rglob("*processor_config.json"))
    return Source(weights, kind, prompts, config.get("similarity_fn_name") or usual, text_alone, spec)


def _kind(config: Mapping[str, Any], transformer: Mapping[str, Any]) -> str:
    """The class that wrote the folder, or that its architecture is for."""
    architectures = transformer.get("architectures") or [""]
    named = config.get("model_type")
    if named == "ColBERT" or "HF_ColBERT" in architectures:  # as PyLate and Stanford's ColBERT name themselves
        return "MultiVectorEncoder"
    if named is None and not config and architectures[0].endswith("ForSequenceClassification"):
        return "CrossEncoder"
    if named is None and not config and architectures[0].endswith("ForRetrieval"):
        return "MultiVectorEncoder"
    return str(named or "SentenceTransformer")


def _prompt(config: Mapping[str, Any], side: Side) -> str:
    """The folder's own prompt for a side.

    The library itself adds an empty "document" prompt to all models, which hides a "passage" prompt from its
    `encode_document`; here the first one that says something counts. A folder that names no prompt for a side has its
    default prompt for both.
    """
    prompts = config.get("prompts") or {}
    own = [prompts[name] for name in _SIDE_PROMPTS[side] if name in prompts]
    default = config.get("default_prompt_name")
    if not own and default:
        return str(prompts.get(default) or "")
    return next((str(prompt) for prompt in own if prompt), "")


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: not JSON: {error}") from None
    return found if isinstance(found, dict) else {}
