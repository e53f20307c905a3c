"""Low-rank adapters (LoRA, DoRA) on a base model: found, merged into its weights, and proven to act."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, RunError
from .hub import Weights, local_path, resolve

# transformers 5 moved the parts of these models below `model`; adapters trained before name them as they were.
_MOVED = {r"^model\.layers\.": "model.language_model.layers.", r"^(visual|audio_tower)\.": r"model.\1."}


def resolve_pair(
    reference: str, *, cache: Path | None = None, sizes_mb: dict[str, float] | None = None
) -> tuple[Weights, Weights | None]:
    """The weights that "BASE" or "BASE+ADAPTER" means; each is a folder or an ID of the Hub.

    `sizes_mb` holds the sizes of well-known ones. Raises `InputError`, see `resolve`, and where BASE is an adapter.
    """
    sizes = sizes_mb or {}
    base, adapter = _halves(reference)
    found = [resolve(name, cache=cache, size_mb=sizes.get(name, 0.0)) for name in (base, adapter) if name]
    folder = found[0].folder
    if folder is not None and (folder / "adapter_config.json").exists() and not (folder / "config.json").exists():
        raise InputError(f"{base}: this is an adapter; name the model it was trained on before it: BASE+{base}")
    return found[0], found[1] if adapter else None


def _halves(reference: str) -> tuple[str, str]:
    """Base and adapter; a folder may have a "+" in its name, and goes before an ID that ends at it."""
    cuts = [len(reference), *(i for i, sign in enumerate(reference) if sign == "+")]
    cut = next((i for i in cuts if local_path(reference[:i]).is_dir()), cuts[1] if len(cuts) > 1 else cuts[0])
    return reference[:cut], reference[cut + 1 :]


def merge(model: Any, adapter: Weights, probe: Callable[[], NDArray[np.float32]], epsilon: float) -> None:
    """Merge an adapter into the weights of a transformers model, in place.

    Parameters
    ----------
    probe: runs a fixed input through the model and gives its unit vectors, `(n, d)`.
    epsilon: rounding step of the type that the model computes in.

    Raises `RunError` when weights of the adapter are missing or go by names that the model does not have (peft warns
    and leaves the base model as it is), and when the vectors of the probe stay the same.
    """
    from peft import PeftModel

    before = probe()
    with adapter.loading(), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers by names of its own past
        warnings.filterwarnings("error", message="Found missing adapter keys")
        PeftModel.from_pretrained(model, str(adapter.fetch()), key_mapping=_MOVED).merge_and_unload()
    moved = float(np.linalg.norm(probe() - before, axis=1).max())
    if not moved > 10 * epsilon:
        raise RunError(
            f"{adapter.reference}: this adapter changes nothing: with and without it the vectors are the same; "
            "it was made for another model, or never trained"
        )
