"""clip: any CLIP of open_clip; a clip is the mean of its frames, text and picture together are a weighted sum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .. import cpu_torch
from ..items import Item, Media, Side
from ..media import ClipLoader, ClipRequest
from .base import Options, Spec
from .choices import number, one_of
from .clip_source import ClipSource, find_source
from .registry import register_encoder
from .units import mean_of_units, unit, weighted_sum


@register_encoder
class Clip:
    """Places pictures, clips and texts in the space of a CLIP.

    A clip is the mean of its frames' unit vectors. An item of text and picture or clip is `text_weight` times the
    text's unit vector plus `1 - text_weight` times the picture's. All vectors have length 1.

    Choices: `text_weight` (0.5), and `picture`: "usual" is the model's own transform, which for most cuts off the sides
    of what is not square; "whole" brings the longer side to size and fills up the rest with black, as wide tables need.
    """

    spec = Spec(
        name="clip",
        revision="1",
        query=frozenset({"text", "image", "video"}),
        document=frozenset({"text", "image", "video"}),
        summary="CLIP by open_clip: pooled frames, text and picture composed by weighted sum",
        licence="that of the weights",
        packages=("open_clip", "torch"),
        download_mb=605,
        training_data="that of the weights: pairs of pictures and texts from the web",
        limits="Hears nothing, sees single frames and no motion, cuts a text after 77 tokens.",
        argument="ARCHITECTURE/TAG or ARCHITECTURE/FILE as open_clip names them, hf-hub:ID or local-dir:FOLDER",
        default="ViT-B-32/laion2b_s34b_b79k",
    )

    def __init__(self, options: Options, argument: str) -> None:
        self._text_weight = number(options, "text_weight", 0.5, most=1.0)
        picture = one_of(options, "picture", ("usual", "whole"))
        size = self.spec.download_mb if argument == self.spec.default else 0.0
        self._source = find_source(argument, picture, options.cache, size)
        self.spec = replace(
            type(self).spec,
            name=f"clip:{argument}",
            revision=f"{type(self).spec.revision} {self._source.weights.revision}",
        )
        self.preprocessing: Mapping[str, Any] = {
            "frames": options.frames, "sampling": options.sampling, "reader": options.reader, "dtype": options.dtype,
            "picture": picture, "transform": self._source.transform, "pooling": "mean of the frames' unit vectors",
            "text_weight": self._text_weight, "normalised": True,
        }  # fmt: skip
        self._options = options
        request = ClipRequest(options.frames, False, options.sampling, options.reader)
        self._loader = ClipLoader(request, options.workers, options.meter)
        self._seen: dict[Media, NDArray[np.float32]] = {}  # a clip is source of several queries and a document too

    @cached_property
    def _towers(self) -> Towers:
        with self._options.meter.stage("load model"):
            towers = Towers(self._source, self._options.device, self._options.dtype)
            self.spec = replace(self.spec, parameters=towers.parameters)
            return towers

    def embed(self, items: Sequence[Item], side: Side) -> NDArray[np.float32]:  # noqa: ARG002  # both sides alike
        """Unit vectors float32 `(len(items), d)`."""
        self._loader.expect(item.keep(["image", "video"]) for item in items if _looked_at(item) not in self._seen)
        return np.stack([self._embed(item) for item in items])

    def _embed(self, item: Item) -> NDArray[np.float32]:
        said = self._towers.text(item.text) if item.text is not None else None
        together = weighted_sum((self._text_weight, said), (1 - self._text_weight, self._picture(item)))
        assert together is not None  # items of which nothing is read are refused before
        return together

    def _picture(self, item: Item) -> NDArray[np.float32] | None:
        media = _looked_at(item)
        if media is None:
            return None
        if media not in self._seen:
            frames = self._loader.frames(item)
            assert frames is not None
            self._seen[media] = mean_of_units(self._towers.pictures(frames))
        return self._seen[media]


def _looked_at(item: Item) -> Media | None:
    """What of an item is looked at."""
    return item.video or item.image


class Towers:
    """The two towers of a CLIP. One item at a time goes through them, so that no vector depends on its neighbours."""

    def __init__(self, source: ClipSource, device: str, dtype: str) -> None:
        cpu_torch.prepare()
        import torch

        self._torch, self._device, self._dtype = torch, device, getattr(torch, dtype)
        model, self._transform, self._tokenizer = source.load()
        self._model = model.to(device, self._dtype).eval()
        self.parameters = sum(weight.numel() for weight in model.parameters())

    def pictures(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Vectors float32 `(n, d)` of RGB frames uint8 `(n, height, width, 3)`."""
        torch = self._torch
        pixels = torch.stack([self._transform(Image.fromarray(frame)) for frame in frames])
        with torch.inference_mode():
            vectors = self._model.encode_image(pixels.to(self._device, self._dtype))
        found: NDArray[np.float32] = vectors.float().cpu().numpy()
        return found

    def text(self, text: str) -> NDArray[np.float32]:
        """Unit vector float32 `(d,)`."""
        with self._torch.inference_mode():
            vectors = self._model.encode_text(self._tokenizer([text]).to(self._device))
        return unit(vectors[0].float().cpu().numpy())
