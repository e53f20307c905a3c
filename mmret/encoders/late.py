"""colqwen2 and colpali: late interaction over pictures of pages, through transformers' retrieval classes.

Faysse et al. 2024, "ColPali: Efficient Document Retrieval with Vision Language Models", arXiv 2407.01449. A picture
becomes a vector for each of its patches and of the prompt's tokens, a query one for each of its tokens and of the ten
blanks behind it; the score is the sum over the query's vectors of their largest inner product with the document's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import cpu_torch
from ..items import Item, Side
from ..vectors import VectorSets
from .base import Options, Spec
from .batches import Batches, ahead
from .hub import Weights, resolve
from .registry import register_encoder

TOKENS_PER_BATCH = 16_384


@dataclass(frozen=True, eq=False)
class _Row:
    """One text or picture, ready for the model: ids int64 `(tokens,)`, pixels as the processor makes them, or None."""

    ids: NDArray[np.int64]
    pixels: Any = None
    grid: Any = None


class LateInteraction(ABC):
    """Texts as queries, pictures and the frames of clips as documents; the vectors of a clip are those of its frames.

    Sizes of pictures, prompt and prefix are those of the processor's files in the folder of the weights.
    """

    spec: Spec

    def __init__(self, options: Options, weights: str) -> None:
        self._weights: Weights = resolve(weights, cache=options.cache, size_mb=self.spec.size_of(weights))
        self.spec = self.spec.member(weights, self._weights.revision)
        self.preprocessing: Mapping[str, Any] = {
            **options.decoding, "dtype": options.dtype,
            "normalised": True,
        }  # fmt: skip
        self._options = options
        self._batches = Batches(TOKENS_PER_BATCH)
        self._loader = options.loader()

    def embed(self, items: Sequence[Item], side: Side) -> VectorSets:
        """Unit vectors, at least one an item."""
        _ = self._loaded
        if side == "query":
            return VectorSets.of(self._run((item.text or "") for item in items))
        seen = [item.keep(["image", "video"]) for item in items]
        self._loader.expect(seen)
        counts: list[int] = []
        sets = iter(self._run(self._pictures(seen, counts)))
        return VectorSets.of([np.concatenate([next(sets) for _ in range(count)]) for count in counts])

    def _pictures(self, items: Sequence[Item], counts: list[int]) -> Iterator[NDArray[np.uint8]]:
        """The pictures of all items, `(height, width, 3)` each; how many an item has is added to `counts`."""
        for item in items:
            frames = self._loader.frames(item)
            assert frames is not None  # a document is a picture or a clip
            counts.append(len(frames))
            yield from frames

    def _run(self, inputs: Iterable[str | NDArray[np.uint8]]) -> list[NDArray[np.float32]]:
        return self._batches.run(ahead(self._row, inputs), lambda row: len(row.ids), self._forward)

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        """Processor and model."""
        cpu_torch.prepare()
        import torch
        from transformers import AutoImageProcessor

        folder = self._weights.fetch()
        with self._weights.loading(), self._options.meter.stage("load model"):
            self._weights.require_kind(folder, type(self).spec.name)
            reader, network = self._classes()
            # Pillow's pictures are the original's; torchvision's differ a little.
            processor = reader.from_pretrained(
                folder,
                image_processor=AutoImageProcessor.from_pretrained(folder, backend="pil"),
            )
            dtype = getattr(torch, self._options.dtype)
            model, info = network.from_pretrained(folder, dtype=dtype, output_loading_info=True)
            self._weights.require_all(info)
        self.spec = replace(self.spec, parameters=sum(weight.numel() for weight in model.parameters()))
        return processor, model.eval().to(self._options.device)

    @abstractmethod
    def _classes(self) -> tuple[Any, Any]:
        """The classes of processor and model."""

    @abstractmethod
    def _places(self, ids: Any, mask: Any, grid: Any) -> dict[str, Any]:
        """What else the model must be told of a batch: positions, and which tokens see all others; tensors."""

    def _row(self, one: str | NDArray[np.uint8]) -> _Row:
        processor, _ = self._loaded
        if isinstance(one, str):
            return _Row(np.asarray(processor(text=[one])["input_ids"][0], np.int64))
        from PIL import Image

        made = processor(images=[Image.fromarray(one)])
        grid = made["image_grid_thw"][0] if "image_grid_thw" in made else None
        return _Row(np.asarray(made["input_ids"][0], np.int64), made["pixel_values"][0], grid)

    def _forward(self, rows: Sequence[_Row]) -> list[NDArray[np.float32]]:
        """The vectors of each row of a batch; those of padding are dropped."""
        import torch

        processor, model = self._loaded
        device = self._options.device
        ids = torch.full((len(rows), max(len(row.ids) for row in rows)), processor.tokenizer.pad_token_id)
        mask = torch.zeros_like(ids)
        for i, row in enumerate(rows):
            ids[i, : len(row.ids)] = torch.from_numpy(row.ids)
            mask[i, : len(row.ids)] = 1
        inputs = {"input_ids": ids, "attention_mask": mask}
        if rows[0].pixels is not None:
            pixels = torch.nn.utils.rnn.pad_sequence([row.pixels for row in rows], batch_first=True)
            inputs["pixel_values"] = pixels.to(model.dtype)
        if rows[0].grid is not None:
            inputs["image_grid_thw"] = torch.stack([row.grid for row in rows])
        inputs = {name: values.to(device) for name, values in inputs.items()}
        places = self._places(inputs["input_ids"], inputs["attention_mask"], inputs.get("image_grid_thw"))
        with torch.inference_mode():
            vectors = model(**inputs, **places).embeddings.float().cpu().numpy()
        return [one[: len(row.ids)] for one, row in zip(vectors, rows, strict=True)]


@register_encoder
class ColQwen2(LateInteraction):
    """ColQwen2: Qwen2-VL."""

    spec = Spec(
        name="colqwen2",
        revision="1",
        query=frozenset({"text"}),
        document=frozenset({"image", "video"}),
        summary="ColQwen2: late interaction of a text with the patches of a page or of a clip's frames",
        licence="Apache-2.0",
        scoring="maxsim",
        parameters=2_209_000_000,
        packages=("transformers", "accelerate"),
        extra="models",
        download_mb=4_430.0,
        weights=("vidore/colqwen2-v1.0-hf",),
        training_data="ColPali's: pages of documents and questions about them, in English",
        limits="Hears nothing; frames are read one by one, each as a page of up to 768 vectors.",
        argument="the weights in transformers' layout, a folder or an ID",
        default="vidore/colqwen2-v1.0-hf",
    )

    def _classes(self) -> tuple[Any, Any]:
        from transformers import ColQwen2ForRetrieval, ColQwen2Processor

        return ColQwen2Processor, ColQwen2ForRetrieval

    def _places(self, ids: Any, mask: Any, grid: Any) -> dict[str, Any]:
        """Positions in three dimensions, which transformers 5 no longer gives by itself and the original has."""
        _, model = self._loaded
        kinds = (ids == model.config.vlm_config.image_token_id).int()
        positions, _ = model.vlm.get_rope_index(ids, kinds, image_grid_thw=grid, attention_mask=mask)
        return {"position_ids": positions}


@register_encoder
class ColPali(LateInteraction):
    """ColPali: PaliGemma."""

    spec = Spec(
        name="colpali",
        revision="1",
        query=frozenset({"text"}),
        document=frozenset({"image", "video"}),
        summary="ColPali: late interaction of a text with the patches of a page or of a clip's frames",
        licence="Gemma (the base model), MIT (what ColPali adds)",
        scoring="maxsim",
        parameters=2_920_000_000,
        packages=("transformers", "accelerate"),
        extra="models",
        download_mb=5_850.0,
        weights=("vidore/colpali-v1.3-hf",),
        training_data="ColPali's: pages of documents and questions about them, in English",
        limits="Hears nothing; pictures become squares of 448 pixels, each 1,024 vectors and a few for the prompt.",
        argument="the weights in transformers' layout, a folder or an ID",
        default="vidore/colpali-v1.3-hf",
    )

    def _classes(self) -> tuple[Any, Any]:
        from transformers import ColPaliForRetrieval, ColPaliProcessor

        return ColPaliProcessor, ColPaliForRetrieval

    def _places(self, ids: Any, mask: Any, grid: Any) -> dict[str, Any]:  # noqa: ARG002  # pictures are squares
        """PaliGemma counts its tokens from 1, and those of type 0, here all, see each other in both directions."""
        return {"position_ids": mask.cumsum(-1).clamp(min=1), "token_type_ids": ids * 0}
