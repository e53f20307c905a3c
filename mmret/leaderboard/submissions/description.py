"""What a submission says of itself: who made it, with which model, at what cost."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from ...encoders.base import Track
from ...items import Modality


def _line(text: str) -> str:
    """Neither control characters nor marks that turn the direction of writing: it is shown among other people's."""
    if not text.isprintable():
        raise ValueError("must be printable and on one line")
    return text


def _lines(text: str) -> str:
    if not text.replace("\n", "").isprintable():
        raise ValueError("must be printable")
    return text


def _link(text: str) -> str:
    parts = urlsplit(text)
    if text and (parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or " " in text):
        raise ValueError("must be a link with http or https")
    return text


Line = Annotated[str, StringConstraints(max_length=200), AfterValidator(_line)]
Text = Annotated[str, StringConstraints(max_length=4000), AfterValidator(_lines)]
Link = Annotated[str, StringConstraints(max_length=400), AfterValidator(_line), AfterValidator(_link)]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Amount = Annotated[float, Field(ge=0, le=1e15, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=10**15)]
Whole = Annotated[int, Field(ge=-(10**15), le=10**15)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, serialize_by_alias=True)


class ModelFacts(_Facts):
    """The model: what it reads on each side decides, with its track, among whom it is ranked.

    Parameters
    ----------
    parameters: number of trained weights; None where it is not said, as is `open_weights`.
    track: how sound is read, as in `mmret.encoders.Spec`.
    """

    name: Annotated[Line, Field(min_length=1)]
    revision: Line = ""
    link: Link = ""
    licence: Line = ""
    open_weights: bool | None = None
    parameters: Count | None = None
    query: Annotated[list[Modality], Field(min_length=1, max_length=4)]
    document: Annotated[list[Modality], Field(min_length=1, max_length=4)]
    track: Track

    @model_validator(mode="after")
    def _track_fits(self) -> Self:
        hears = "audio" in {*self.query, *self.document}
        if hears == (self.track == "no-audio"):
            raise ValueError(f"the track {self.track!r} does not fit the modalities {self.query} and {self.document}")
        return self


class BenchmarkFacts(_Facts):
    """What was asked; `digest` is `Ground.digest`, `view` the form in which tables were shown, "" where none are."""

    name: Annotated[Line, Field(min_length=1)]
    version: Line
    digest: Digest
    view: Line = ""


class CostFacts(_Facts):
    """What one query and one document cost, in milliseconds and GFLOP, and on what; None and "" where not known."""

    query_ms: Amount | None = None
    document_ms: Amount | None = None
    query_gflop: Amount | None = None
    document_gflop: Amount | None = None
    hardware: Line = ""


class RunFacts(_Facts):
    """The run in the same file: its digest (see `run_digest`), number of entries and of queries."""

    digest: Digest
    entries: Count
    queries: Count


class Description(_Facts):
    """The description in a submission, schema `mmret.submission/1`; a text that is "" is not declared.

    Parameters
    ----------
    training_data: what the model was trained on.
    saw_benchmark: whether training saw data of the benchmark: "train" its training part alone, "yes" what is asked.
    settings: how the model was run, name → plain value.
    mmret: version of mmret that wrote the file.
    """

    schema_: Annotated[Literal["mmret.submission/1"], Field(alias="schema")] = "mmret.submission/1"
    model: ModelFacts
    authors: Annotated[list[Line], Field(max_length=100)] = []
    organisation: Line = ""
    paper: Link = ""
    code: Link = ""
    training_data: Text = ""
    saw_benchmark: Literal["no", "train", "yes", "unknown"] = "unknown"
    benchmark: BenchmarkFacts
    settings: Annotated[dict[Line, bool | Whole | Number | Line], Field(max_length=64)] = {}
    cost: CostFacts = CostFacts()
    mmret: Line
    notes: Text = ""
    run: RunFacts

    @property
    def undeclared(self) -> list[str]:
        """What people may declare and did not, by name: "authors", "model.link"."""
        of_model = ("revision", "link", "licence", "open_weights", "parameters")
        of_file = ("authors", "organisation", "paper", "code", "training_data")
        lacking = [f"model.{name}" for name in of_model if getattr(self.model, name) in ("", None)]
        lacking += [name for name in of_file if not getattr(self, name)]
        return lacking + (["saw_benchmark"] if self.saw_benchmark == "unknown" else [])
