"""The settings of a project, read from a TOML file. What the OmniCVR paper states is the default here.

What it leaves open, such as the cut-offs of its filters, is a setting with a value of ours, and says so.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from ...errors import InputError, first_ten
from .gates import Condition
from .records import Split, TripletStatus

Share = Annotated[float, Field(ge=0, le=1)]
Preset = Literal[
    "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow", "placebo"
]  # of x264


def _conditions(texts: list[str]) -> list[str]:
    for text in texts:
        Condition.parse(text)
    return texts


Conditions = Annotated[list[str], AfterValidator(_conditions)]


class Section(BaseModel):
    """Base of the sections; a name that nobody knows is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class About(Section):
    """The benchmark to be."""

    name: str = Field(default="my-benchmark", min_length=1, pattern=r"^[\w.-]+$", description="Name of the benchmark.")
    version: str = Field(default="1", min_length=1, description="Its version.")
    folder: Path = Field(default=Path("project"), description="Folder for state and clips; relative to this file.")
    ray: str = Field(default="", description="Address of a Ray cluster that cuts and describes clips; empty: here.")


class Source(Section):
    """A folder of originals under one licence; they are only ever read."""

    name: str = Field(
        default="videos", min_length=1, pattern=r"^[\w.-]+$", description="Name of the source, on the data card."
    )
    folder: Path = Field(default=Path("videos"), description="Folder, with all below it; relative to this file.")
    licence: str = Field(default="unknown", min_length=1, description="Licence of its videos.")
    link: str = Field(default="", description="Where they come from.")


class Segment(Section):
    """Shots, clips and filters."""

    threshold: float = Field(default=36, gt=0, description="HSV difference of two frames that makes a cut (paper: 36).")
    shortest_shot: float = Field(default=0.6, ge=0, description="Seconds; cuts closer than that are one.")
    shortest: float = Field(default=5, gt=0, description="Least seconds of a clip (paper: 5).")
    longest: float = Field(
        default=15, gt=0, description="Most seconds of a clip (paper: 15); longer shots are divided."
    )
    short_shots: Literal["reject", "join"] = Field(
        default="reject", description='Shots shorter than a clip: "reject", or "join" with those after them.'
    )
    samples: float = Field(default=2, gt=0, description="Frames a second at which motion and richness are measured.")
    motion: float = Field(
        default=0.002,
        ge=0,
        description="Least motion, picture lengths a second (the paper filters; its value is unknown).",
    )
    richness: float = Field(
        default=0.002, ge=0, description="Least variance of the colours (the paper filters; its value is unknown)."
    )
    loudness: float = Field(default=-50, le=0, description="Least root mean square of the sound, dB of full scale.")
    near_pictures: int = Field(
        default=24, ge=0, le=64, description="Most differing bits, of 256, of clips that look the same."
    )
    near_sounds: int = Field(
        default=64, ge=0, le=120, description="Most differing bits, of 256, of clips that sound the same."
    )
    height: int = Field(default=720, ge=64, description="Most lines of a clip's picture; larger ones are scaled down.")
    crf: int = Field(default=20, ge=0, le=40, description="Quality of H.264; less is better.")
    preset: Preset = Field(default="veryfast", description="Speed of H.264.")
    sound_bitrate: int = Field(default=128_000, ge=16_000, description="Bits a second of AAC.")
    time_limit: float = Field(default=7200, gt=0, description="Seconds that one video may take.")

    @model_validator(mode="after")
    def _divisible(self) -> Self:
        if self.longest < 2 * self.shortest:
            raise ValueError("longest must be twice shortest at least, so that every long shot can be divided")
        return self


class Endpoint(Section):
    """A model at an OpenAI-compatible server, its limits and prices; its key is read from OPENAI_API_KEY."""

    model: str = Field(
        default="qwen2.5-omni-7b@http://localhost:8000/v1", description="MODEL@ADDRESS, as where it is named."
    )
    concurrency: int = Field(default=4, ge=1, le=512, description="Questions asked at a time.")
    calls_per_minute: float | None = Field(
        default=None, gt=0, description="Most questions a minute; none for no limit."
    )
    seconds: float = Field(default=120, gt=0, description="For one answer.")
    tokens: int = Field(default=2048, ge=1, description="Most tokens of an answer.")
    price_read: float | None = Field(default=None, ge=0, description="Price of a million tokens of questions.")
    price_written: float | None = Field(default=None, ge=0, description="Price of a million tokens of answers.")
    settings: dict[str, Any] = Field(
        default={},
        description="What else is asked of the server, such as {temperature = 0.5}; temperature and seed are 0.",
    )


class Budget(Section):
    """What all questions of the project may take together, over all runs."""

    max_calls: int | None = Field(default=None, ge=0, description="Most answers; none for no limit.")
    max_cost: float | None = Field(default=None, ge=0, description="Most money, in the currency of the prices.")


class Describe(Section):
    """Annotations of the clips."""

    by: str = Field(
        default="offline",
        description='"offline" (trained tags, speech to text, OCR), "endpoint:MODEL@ADDRESS" or "omni:WEIGHTS" '
        "(paper: Qwen2.5-Omni).",
    )
    frames: int = Field(default=8, ge=1, le=256, description="Frames looked at, over the whole clip.")
    side: int = Field(default=512, ge=28, description="Longer side of a frame, pixels.")
    sound: bool = Field(default=True, description="Whether the model is sent the sound.")
    device: str = Field(default="auto", description='Device of a model here: "cpu", "cuda" or "auto".')
    tokens: int = Field(default=1024, ge=1, description="Most tokens of an annotation by a model here.")


class Write(Section):
    """Modification texts."""

    by: str = Field(default="offline", description='"offline" (from the annotations alone) or "llm:MODEL@ADDRESS".')
    phrasings: int = Field(default=3, ge=1, le=10, description="Texts of a pair; the first is the one asked.")
    shortest: int = Field(default=8, ge=1, description="Least words of a text.")
    longest: int = Field(default=80, ge=1, description="Most words of a text (paper: 52.6 on average).")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.longest < self.shortest:
            raise ValueError("longest must be shortest at least, or no text is valid")
        return self


class Mine(Section):
    """Pairs of clips. A bound such as "95%" is the cosine that so many random pairs lie below, with any encoder."""

    visual: str = Field(default="tagbridge", description="Encoder of what is seen, as for `mmret eval` (paper: CLIP).")
    audio: str = Field(default="tagbridge", description="Encoder of what is heard (paper: CLAP).")
    device: str = Field(default="auto", description='Device of the encoders: "cpu", "cuda" or "auto".')
    audio_center: Conditions = Field(
        default=["visual > 95%", "audio < 50%"],
        description='Pairs that differ in sound (paper, for CLIP and CLAP: "visual > 0.9", "audio < 0.3").',
    )
    visual_center: Conditions = Field(
        default=["visual < 50%", "audio > 95%"],
        description="Pairs that differ in pictures (paper: clips of one video, bounds unknown; "
        '"audio > 95% or same original" lets these pass).',
    )
    integrated: Conditions = Field(
        default=["visual < 50%", "audio < 50%"], description="Pairs that differ in both (bounds unknown)."
    )
    nearest: int = Field(
        default=64, ge=1, le=1000, description="Neighbours of a clip among which pairs are looked for."
    )
    drawn: int = Field(
        default=16, ge=1, le=1000, description="Random clips tried for each where no likeness is wanted."
    )
    apart: float = Field(default=1, ge=0, description="Seconds between the two clips, where they are of one original.")
    per_source: int = Field(default=1, ge=1, description="Most pairs of a kind with one source.")
    per_target: int = Field(default=1, ge=1, description="Most pairs of a kind with one target.")
    most: int | None = Field(default=None, ge=1, description="Most pairs of a kind in a split; none for all.")
    train: Share = Field(default=0, description="Share of the originals for training.")
    dev: Share = Field(default=0, description="Share of the originals for development.")
    test: Share = Field(default=1, description="Share of the originals for the test; train, dev and test make 1.")
    near: int = Field(
        default=24, ge=0, le=64, description="Most differing bits, of 256, of clips that keep originals in one split."
    )
    sampled: int = Field(default=100_000, ge=100, description="Random pairs from which similarities are told.")
    seed: int = Field(default=0, ge=0, description="Seed of all that is drawn.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if abs(self.train + self.dev + self.test - 1) > 1e-9:
            raise ValueError("train, dev and test must add up to 1")
        return self


class Verify(Section):
    """Judges of the instructions, and controls that try the judges."""

    judges: list[str] = Field(
        default=["consistency:tagbridge"],
        min_length=1,
        description='Judges: "llm:MODEL@ADDRESS", which gold needs, and "consistency:ENCODER".',
    )
    media: bool = Field(
        default=True, description="Whether language models are sent frames and sound as in [describe], or annotations."
    )
    others: int = Field(default=8, ge=0, description="Other clips, like the target, among which it must stand alone.")
    controls: int = Field(default=60, ge=0, description="Known-wrong items mixed in, and as many known-right ones.")
    false_accepts: Share = Field(
        default=0.2, description="Upper end of the share of known-wrong items that a trusted judge accepts."
    )
    rank: int = Field(default=3, ge=1, description="Worst place of the target for a consistency judge.")
    seed: int = Field(default=0, ge=0, description="Seed of the controls.")


class Review(Section):
    """Votes of people, and controls that try them too."""

    reviewers: int = Field(default=2, ge=1, description="People who must have voted before a triplet can be gold.")
    controls: int = Field(default=10, ge=0, description="Known-wrong items mixed in, and as many known-right ones.")
    lease: float = Field(
        default=15, gt=0, description="Minutes for which an item is one person's; then others may get it."
    )
    seed: int = Field(default=0, ge=0, description="Seed of the order.")


class Export(Section):
    """The benchmark that comes out: triplets of one split, each with a gallery of clips of that split."""

    folder: Path = Field(default=Path("benchmark"), description="Folder to write; relative to this file.")
    title: str = Field(default="", description="Title on the data card; the name of the project unless given.")
    licence: str = Field(default="unknown", min_length=1, description="Licence of the texts and labels.")
    split: Split = Field(default="test", description='Which split: "test", "dev" or "train".')
    status: list[TripletStatus] = Field(
        default=["gold"],
        min_length=1,
        description='Which triplets: "gold"; those that are not, and are marked as such, are "llm-accepted" (people '
        'have not decided), "pending" and "rejected".',
    )
    gallery: int = Field(default=2000, ge=2, description="Candidates of a query, or all clips (paper: 2,000).")
    same_original: int = Field(
        default=100, ge=0, description="Most of them from the source's original, the nearest in time (paper: unknown)."
    )
    alike: int = Field(
        default=250,
        ge=0,
        description="Most of them that look like the target and sound unlike it, and as many the other way round "
        "(paper: unknown).",
    )
    seed: int = Field(default=0, ge=0, description="Seed of the candidates drawn for the rest.")


class Config(Section):
    """All settings; see the sections."""

    project: About = About()
    source: list[Source] = Field(default=[Source()], min_length=1)
    endpoint: list[Endpoint] = Field(default=[Endpoint()])
    budget: Budget = Budget()
    segment: Segment = Segment()
    describe: Describe = Describe()
    mine: Mine = Mine()
    write: Write = Write()
    verify: Verify = Verify()
    review: Review = Review()
    export: Export = Export()

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        if len({one.name for one in self.source}) < len(self.source):
            raise ValueError("two sources have the same name")
        if len({one.model for one in self.endpoint}) < len(self.endpoint):
            raise ValueError("two endpoints are of the same model")
        return self

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a TOML file; folders become absolute. Raises `InputError` with the faults, ten at most."""
        try:
            config = cls.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise InputError(f"{path}: {error.strerror}; write one with: mmret annotate init {path}") from error
        except ValidationError as error:
            raise InputError(f"{path}: {_faults(error)}") from error
        except ValueError as error:  # no UTF-8, or no TOML
            raise InputError(f"{path}: {error}") from error
        here = path.resolve().parent
        project = config.project.model_copy(update={"folder": here / config.project.folder})
        sources = [one.model_copy(update={"folder": here / one.folder}) for one in config.source]
        export = config.export.model_copy(update={"folder": here / config.export.folder})
        return config.model_copy(update={"project": project, "source": sources, "export": export})

    def changed(self, section: str, **given: Any) -> Self:
        """With other settings in a section, as options of a command give them; None leaves one as it is.

        Raises `InputError` for values that cannot be.
        """
        own: Section = getattr(self, section)
        wanted = {name: value for name, value in given.items() if value is not None}
        try:
            made = type(own).model_validate(own.model_dump() | wanted)
        except ValidationError as error:
            raise InputError(f"{section}: {_faults(error)}") from error
        return self.model_copy(update={section: made})


def _faults(error: ValidationError) -> str:
    return first_ten([f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()])


def template(**source: Any) -> str:
    """A TOML file with all settings at their defaults, each with what it means.

    `source` are settings of the videos. Raises `InputError` for values that cannot be.
    """
    try:
        config = Config(source=[Source(**source)])
    except ValidationError as error:
        raise InputError(f"source: {_faults(error)}") from error
    parts = []
    for name in Config.model_fields:
        value = getattr(config, name)
        several = isinstance(value, list)
        section = value[0] if several else value
        heading = f"[[{name}]]" if several else f"[{name}]"
        lines = [f"# {type(section).__doc__}", heading]
        for key, about in type(section).model_fields.items():
            lines += [f"# {about.description}", _line(key, getattr(section, key))]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _line(key: str, value: Any) -> str:
    """A setting in TOML, whose plain values are written as in JSON; one that has none is left to be filled in."""
    if value is None:
        return f"# {key} ="
    return f"{key} = {json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)}"
