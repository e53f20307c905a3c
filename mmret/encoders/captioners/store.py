"""Captions on disk (see `Lines`), written once for all models.

A line is one caption: digest and name of the media file, caption, whether the sound is silent, seconds of sound, and
seconds that writing it took.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...items import Media
from ...lines import Lines, read_lines
from ...meter import Meter
from .base import Caption, Captioner, Sound, fingerprint, identity

BATCH = 16
NO_SOUND = np.zeros(0, np.float32)


class CaptionStore:
    """The captions of one captioner, by content of the media.

    Parameters
    ----------
    root: mmret's cache folder.
    captioner: who writes what is missing.
    meter: the time that takes goes to its stage "caption"; what captions kept from before took, to that elsewhere.
    """

    def __init__(self, root: Path, captioner: Captioner, meter: Meter) -> None:
        self._captioner = captioner
        self._meter = meter
        self._lines = Lines(root / "captions", captioner.name, fingerprint(captioner), identity(captioner))
        self.path = self._lines.path
        lines = {line["sha256"]: line for _, line in self._lines}
        self._known = {digest: Caption(line["caption"], line["silent"]) for digest, line in lines.items()}
        self._took = {digest: line["took"] for digest, line in lines.items() if "took" in line}

    def missing(self, files: Sequence[Media]) -> list[Media]:
        """The files without a caption; of those of equal content one."""
        return list({media.digest: media for media in files if media.digest not in self._known}.values())

    def captions(self, files: Sequence[Media], load: Callable[[Media], NDArray[np.float32] | None]) -> list[Caption]:
        """The caption of each file.

        Parameters
        ----------
        files: media files; those of equal content share a caption.
        load: gives the mono samples of a file at the captioner's rate, float32 `(n,)`, or None where it has no sound;
            asked only for files without a caption, and only if the captioner listens at all.
        """
        todo = self.missing(files)
        for digest in {media.digest for media in files} & self._took.keys():
            self._meter.add_elsewhere("caption", self._took[digest])
        for start in range(0, len(todo), BATCH):
            batch = todo[start : start + BATCH]
            listens = bool(self._captioner.rate)
            # Decoding has a stage of its own.
            sounds = [Sound(one, _samples(load(one)) if listens else NO_SOUND) for one in batch]
            with self._meter.stage("caption", items=len(batch)):
                self._write(sounds)
        return [self._known[media.digest] for media in files]

    def _write(self, sounds: Sequence[Sound]) -> None:
        """Caption a batch and keep it for good."""
        heard = [sound for sound in sounds if not (self._captioner.rate and sound.silent)]
        started = time.perf_counter()
        words = dict(zip(map(id, heard), self._captioner.caption(heard) if heard else [], strict=True))
        took = (time.perf_counter() - started) / len(sounds)
        captions = [Caption(words.get(id(sound), ""), silent=id(sound) not in words) for sound in sounds]
        rows = [
            {
                "sha256": sound.media.digest,
                "file": (sound.media.member or sound.media.path.name),
                "caption": caption.text,
                "silent": caption.silent,
                "seconds": round(len(sound.samples) / self._captioner.rate, 2) if self._captioner.rate else None,
                "took": round(took, 4),
            }
            for sound, caption in zip(sounds, captions, strict=True)
        ]
        self._lines.add(*rows)
        self._took.update((sound.media.digest, took) for sound in sounds)
        self._known.update((row["sha256"], caption) for row, caption in zip(rows, captions, strict=True))


def kept_captions(root: Path, about: Mapping[str, Any]) -> dict[str, Caption]:
    """What the captioner of that `identity` wrote, by the digest of the media file; nothing where none is kept."""
    for path in sorted((root / "captions").glob("*.json")):
        if json.loads(path.read_text(encoding="utf-8")) == about:
            lines = (line for _, line in read_lines(path.with_suffix(".jsonl")))
            return {line["sha256"]: Caption(line["caption"], line["silent"]) for line in lines}
    return {}


def find_captions(root: Path, wanted: str) -> list[dict[str, Any]]:
    """What all captioners wrote about a file: its name, with or without its ending, or the beginning of its digest.

    Each entry is a line of a store with the captioner's identity as `captioner`.
    """
    found = []
    for path in sorted((root / "captions").glob("*.jsonl")):
        about = path.with_suffix(".json")
        captioner = json.loads(about.read_text(encoding="utf-8")) if about.exists() else {"name": path.stem}
        for line in {line["sha256"]: line for _, line in read_lines(path)}.values():
            file = Path(line["file"])
            if wanted in (line["file"], file.name, file.stem) or (
                len(wanted) >= 8 and line["sha256"].startswith(wanted)
            ):
                found.append(line | {"captioner": captioner})
    return found


def _samples(sound: NDArray[np.float32] | None) -> NDArray[np.float32]:
    return NO_SOUND if sound is None else sound
