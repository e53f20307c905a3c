"""The way back: an encoder of mmret as an encoder of mteb, for mteb's own tasks and tools."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..items import Item, Media, Side
from .base import Encoder


class ToMteb:
    """Follows `mteb.EncoderProtocol`: `mteb.evaluate(ToMteb(create_encoder("text", options)), tasks)`.

    mteb's queries go to the encoder as queries, all else as documents. Texts and pictures are handed on. Nothing is
    kept in the vector store; mteb has a cache of its own. Scores are inner products.

    Raises `InputError` for a model without a single vector an item.
    """

    def __init__(self, encoder: Encoder) -> None:
        from mteb.models import ModelMeta
        from mteb.models.model_meta import ScoringFunction

        if encoder.spec.scoring != "dot" or not isinstance(encoder, Encoder):
            raise InputError(f"{encoder.spec.name} has no single vector an item, which is what mteb's encoders give")
        self._encoder = encoder
        spec = encoder.spec
        self.mteb_model_meta = ModelMeta.create_empty(
            {
                "name": f"mmret/{spec.name.replace('/', '_')}",
                "revision": spec.revision,
                "n_parameters": spec.parameters or None,
                "similarity_fn_name": ScoringFunction.DOT_PRODUCT,
                "modalities": sorted({"text", "image"} & (spec.query | spec.document)),
                "experiment_kwargs": {key: str(value) for key, value in encoder.preprocessing.items()},
            }
        )

    def encode(self, inputs: Iterable[Mapping[str, Any]], *, prompt_type: Any = None, **_: Any) -> NDArray[np.float32]:
        """Vectors float32 `(items, d)` of batches of columns; those of a batch go to the encoder together."""
        side: Side = "query" if getattr(prompt_type, "value", prompt_type) == "query" else "document"
        found: list[NDArray[np.float32]] = []
        with tempfile.TemporaryDirectory() as folder:
            for batch in inputs:
                items = self._items(batch, Path(folder), len(found))
                found.append(np.asarray(self._encoder.embed(items, side), np.float32))
        return np.concatenate(found)

    def similarity(self, left: Any, right: Any) -> Any:
        """Inner products of all pairs, a tensor `(n, m)`."""
        from mteb.similarity_functions import dot_score

        return dot_score(left, right)

    def similarity_pairwise(self, left: Any, right: Any) -> Any:
        """Inner products row by row, a tensor `(n,)`."""
        from mteb.similarity_functions import pairwise_dot_score

        return pairwise_dot_score(left, right)

    def _items(self, batch: Mapping[str, Sequence[Any]], folder: Path, number: int) -> list[Item]:
        given = {name: batch[name] for name in ("text", "image") if name in batch}
        if not given or {"audio", "video"} & set(batch):
            raise InputError(f"mteb hands over {', '.join(batch)}; texts and pictures can be handed on")
        items = []
        for row, values in enumerate(zip(*given.values(), strict=True)):
            one = dict(zip(given, values, strict=True))
            picture = one.get("image")
            if picture is not None:
                path = folder / f"{number}-{row}.png"
                picture.convert("RGB").save(path)
                one["image"] = Media(path)
            items.append(Item(f"{number}-{row}", **one))
        return items
