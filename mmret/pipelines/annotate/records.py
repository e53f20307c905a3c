"""What the stages hand on: one row type each, plain values that stand in JSON lines."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Kind = Literal["visual-center", "audio-center", "integrated"]
Split = Literal["train", "dev", "test"]
TripletStatus = Literal["gold", "llm-accepted", "pending", "rejected"]
"""What became of a triplet: gold where a trusted language model and people accept it, llm-accepted where people have
not decided yet, pending where no trusted language model has judged it."""


class Record(BaseModel):
    """Base of all rows: unchangeable, and without fields that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Clip(Record):
    """A clip that was cut out of an original, `clips/<id>.mp4` in the project folder.

    Parameters
    ----------
    id: of the original's content and the stretch; tells nothing of the file's name.
    original: the video it comes from, SOURCE/PATH; clips of one original never stand on both sides of a split.
    start, end: seconds on the original's clock, `end` excluded.
    fps: mean number of frames a second.
    size: width and height in pixels.
    motion: mean length of the optical flow, in lengths of the longer side of the picture a second.
    richness: variance of the colours over the picture and over time, see `segment.measures`.
    loudness: root mean square of the sound, dB of full scale.
    phash, sound_hash: perceptual hashes of pictures and sound, 256 bits in hex.
    sha256: digest of the file.
    licence: of the original.
    """

    id: str
    original: str
    start: float
    end: float
    fps: float
    size: tuple[int, int]
    motion: float
    richness: float
    loudness: float
    phash: str
    sound_hash: str
    sha256: str
    licence: str


class Description(Record):
    """What is seen and heard in a clip: `annotation` is a `describe.Annotation` as plain values."""

    clip: str
    annotation: dict[str, Any]
    made_by: str


class PairRow(Record):
    """Two clips, ids, that differ in what an instruction will say; `visual` and `audio` are cosine similarities."""

    id: str
    source: str
    target: str
    kind: Kind
    visual: float
    audio: float
    split: Split


class Instruction(Record):
    """The modification text of a pair, in several phrasings, the first of which is the one asked."""

    pair: str
    phrasings: list[str]
    made_by: str


class Criteria(Record):
    """What a judge says of an instruction, point by point; False is a fault."""

    true_of_target: bool
    false_of_source: bool
    complete: bool
    unambiguous: bool
    natural: bool

    @property
    def faults(self) -> list[str]:
        """Names of the points that do not hold."""
        return [name for name, holds in self if not holds]


class Verdict(Record):
    """What one judge says of a pair and its instruction; `control` marks one whose right answer is known."""

    pair: str
    judge: str
    control: bool
    accept: bool
    criteria: Criteria
    reason: str


class Vote(Record):
    """What one person says of a pair and its instruction; `at` is the time in UTC, ISO 8601."""

    pair: str
    reviewer: str
    accept: bool
    reason: str
    at: str
