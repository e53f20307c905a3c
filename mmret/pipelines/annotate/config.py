"""The settings of a project, read from a TOML file. What the OmniCVR paper states is the default here.

What it leaves open, such as the cut-offs of its filters, is a setting with a value of ours, and says so.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ...errors import InputError, first_ten

Share = Annotated[float, Field(ge=0, le=1)]
Cosine = Annotated[float, Field(ge=-1, le=1)]


class Section(BaseModel):
    """Base of the sections; a name that nobody knows is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class About(Section):
    """The benchmark to be."""

    name: str = Field(default="my-benchmark", min_length=1, pattern=r"^[\w.-]+$", description="Name of the benchmark.")
    version: str = Field(default="1", min_length=1, description="Its version.")
    folder: Path = Field(default=Path("project"), description="Folder for state and clips; relative to this file.")


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
        default=0.005,
        ge=0,
        description="Least motion, widths of the picture a second (the paper filters; its value is unknown).",
    )
    richness: float = Field(
        default=0.005, ge=0, description="Least variance of the colours (the paper filters; its value is unknown)."
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
    preset: str = Field(default="veryfast", description="Speed of H.264.")
    sound_bitrate: int = Field(default=128_000, ge=16_000, description="Bits a second of AAC.")
    time_limit: float = Field(default=7200, gt=0, description="Seconds that one video may take.")

    @model_validator(mode="after")
    def _divisible(self) -> Self:
        if self.longest < 2 * self.shortest:
            raise ValueError("longest must be twice shortest at least, so that every long shot can be divided")
        return self


class Config(Section):
    """All settings; see the sections."""

    project: About = About()
    source: list[Source] = Field(default=[Source()], min_length=1)
    segment: Segment = Segment()

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [one.name for one in self.source]
        if len(set(names)) < len(names):
            raise ValueError("two sources have the same name")
        return self

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a TOML file; folders become absolute. Raises `InputError` with the faults, ten at most."""
        try:
            config = cls.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise InputError(f"{path}: {error.strerror}; write one with: mmret annotate init {path}") from error
        except ValidationError as error:
            faults = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
            raise InputError(f"{path}: {first_ten(faults)}") from error
        except ValueError as error:  # no UTF-8, or no TOML
            raise InputError(f"{path}: {error}") from error
        here = path.resolve().parent
        project = config.project.model_copy(update={"folder": here / config.project.folder})
        sources = [one.model_copy(update={"folder": here / one.folder}) for one in config.source]
        return config.model_copy(update={"project": project, "source": sources})


def template() -> str:
    """A TOML file with all settings at their defaults, each with what it means."""
    parts = []
    for name, field in Config.model_fields.items():
        default = field.default
        several = isinstance(default, list)
        section = default[0] if several else default
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
