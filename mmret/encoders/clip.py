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
from .base import Options, Spec
from .batches import Batches, ahead, at_once
from .choices import number, one_of
from .clip_source import ClipSource, find_source
from .registry import register_encoder
from .units import mean_of_units, unit, weighted_sum

FRAMES_AT_ONCE = 512  # on a GPU, or as many as its memory holds


@register_encoder
class Clip:
    """Places pictures, clips and texts in the space of a CLIP.

    A clip is the mean of its frames' unit vectors. An item of text and picture or clip is `text_weight` times the
    text's unit vector plus `1 - text_weight` times the picture's. All vectors have length 1.

    Choices: `text_weight` (0.5), and `picture`: "usual" is the model's own transform, which for most cuts off the sides
    of what is not square; "whole" brings the longer side to size and fills up the rest with black. "auto", the default,
    takes frames as usual and pictures, which may be wide tables, whole.
    """

    spec = Spec(
        name="clip",
        revision="1",
        query=frozenset({"text", "image", "video"}),
        document=frozenset({"text", "image", "video"}),
        summary="CLIP by open_clip: pooled frames, text and picture composed by weighted sum",
        licence="that of the weights",
        packages=("open_clip", "torch"),
        parameters=151_277_313,
        download_mb=605,
        weights=("laion/CLIP-ViT-B-32-laion2B-s34B-b79K",),
        training_data="that of the weights: pairs of pictures and texts from the web",
        limits="Hears nothing, sees single frames and no motion, cuts a text after 77 tokens.",
        argument="ARCHITECTURE/TAG or ARCHITECTURE/FILE as open_clip names them, hf-hub:ID or local-dir:FOLDER",
        default="ViT-B-32/laion2b_s34b_b79k",
    )

    def __init__(self, options: Options, argument: str) -> None:
        self._text_weight = number(options, "text_weight", 0.5, most=1.0)
        picture = one_of(options, "picture", ("auto", "usual", "whole"))
        self._source = find_source(argument, options.cache, self.spec.size_of(argument))
        usual, whole = self._source.transform, self._source.transform | {"resize_mode": "longest"}
        self._transforms = {"frames": whole if picture == "whole" else usual}
        self._transforms["pictures"] = usual if picture == "usual" else whole
        self.spec = self.spec.member(argument, self._source.weights.revision)
        self.preprocessing: Mapping[str, Any] = {
            **options.decoding, "dtype": options.dtype,
            "picture": picture, "transforms": self._transforms, "pooling": "mean of the frames' unit vectors",
            "text_weight": self._text_weight, "normalised": True,
        }  # fmt: skip
        self._options = options
        self._loader = options.loader()
        self._batches = Batches(at_once(options.device, FRAMES_AT_ONCE))
        self._seen: dict[Media, NDArray[np.float32]] = options.memory.table()

    @cached_property
    def _towers(self) -> Towers:
        with self._options.meter.stage("load model"):
            towers = Towers(self._source, self._transforms, self._options.device, self._options.dtype)
            self.spec = replace(self.spec, parameters=towers.parameters)
            return towers

    def embed(self, items: Sequence[Item], side: Side) -> NDArray[np.float32]:  # noqa: ARG002  # both sides alike
        """Unit vectors float32 `(len(items), d)`."""
        new = {media: item for item in items if (media := _looked_at(item)) is not None and media not in self._seen}
        self._loader.expect(item.keep(["image", "video"]) for item in new.values())
        pixels = ahead(lambda shown: self._towers.pixels(*shown), map(self._frames, new.values()))
        pooled = map(mean_of_units, self._batches.run(pixels, len, self._towers.pictures))
        self._seen.update(zip(new, pooled, strict=True))
        texts = list(dict.fromkeys(item.text for item in items if item.text is not None))
        said = dict(zip(texts, self._batches.run(texts, lambda _: 1, self._towers.texts), strict=True))
        return np.stack([self._compose(item, said) for item in items])

    def cuts(self, texts: Sequence[str]) -> list[bool]:
        """Which texts are longer than the text tower reads."""
        return self._towers.cuts(texts)

    def _frames(self, item: Item) -> tuple[NDArray[np.uint8], str]:
        """What is seen, and which transform it goes through."""
        frames = self._loader.frames(item)
        assert frames is not None
        return frames, "pictures" if item.video is None else "frames"

    def _compose(self, item: Item, said: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        text = None if item.text is None else said[item.text]
        media = _looked_at(item)
        seen = None if media is None else self._seen[media]
        together = weighted_sum((self._text_weight, text), (1 - self._text_weight, seen))
        assert together is not None  # items of which nothing is read are refused before
        return together


def _looked_at(item: Item) -> Media | None:
    """What of an item is looked at."""
    return item.video or item.image


class Towers:
    """The two towers of a CLIP, and its transforms of frames and of pictures."""

    def __init__(
        self, source: ClipSource, transforms: Mapping[str, Mapping[str, Any]], device: str, dtype: str
    ) -> None:
        cpu_torch.prepare()
        import torch
        from open_clip.transform import PreprocessCfg, image_transform_v2

        self._torch, self._device, self._dtype = torch, device, getattr(torch, dtype)
        model, self._tokenizer = source.load()
        self._transforms = {
            kind: image_transform_v2(PreprocessCfg(**one), is_train=False) for kind, one in transforms.items()
        }
        self._model = model.to(device, self._dtype).eval()
        self.parameters = sum(weight.numel() for weight in model.parameters())

    def pixels(self, frames: NDArray[np.uint8], kind: str) -> Any:
        """RGB frames uint8 `(n, height, width, 3)` as the model wants them: a tensor float32 `(n, 3, size, size)`."""
        return self._torch.stack([self._transforms[kind](Image.fromarray(frame)) for frame in frames])

    def pictures(self, clips: Sequence[Any]) -> list[NDArray[np.float32]]:
        """Vectors float32 `(n, d)` of the n frames of each clip, as `pixels` gives them."""
        torch = self._torch
        with torch.inference_mode():
            vectors = self._model.encode_image(torch.cat(list(clips)).to(self._device, self._dtype))
        return np.split(vectors.float().cpu().numpy(), np.cumsum([len(clip) for clip in clips])[:-1])

    def cuts(self, texts: Sequence[str]) -> list[bool]:
        """Which texts have more tokens than fit, the two at the ends included."""
        return [self._tokens(text) > self._tokenizer.context_length for text in texts]

    def _tokens(self, text: str) -> int:
        if hasattr(self._tokenizer, "encode"):  # open_clip's own; that of a model of the Hub holds one of transformers
            return len(self._tokenizer.encode(text)) + 2
        return len(self._tokenizer.tokenizer(text, verbose=False)["input_ids"])

    def texts(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """Unit vector float32 `(d,)` of each text."""
        with self._torch.inference_mode():
            vectors = self._model.encode_text(self._tokenizer(list(texts)).to(self._device))
        return [unit(vector) for vector in vectors.float().cpu().numpy()]
