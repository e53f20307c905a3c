"""What the API answers with. A figure that is infinite or not known is null."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from math import ceil
from typing import Any, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from ...encoders.base import Track
from ...errors import unknown_name
from ...evaluation.summary import ALL
from ..board.database import Score, State, Submission
from ..board.rows import Figure, Origin, Row, Table, ordered
from ..submissions import Description

SORTS = ("rank", "model", "team", "organisation", "track", "date", "parameters", "query_ms", "gap")

Item = TypeVar("Item")


class _Answer(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class FaultOut(_Answer):
    """One kind of fault in a file."""

    code: str
    severity: Literal["error", "warning"]
    message: str = Field(description="What is wrong, and the way out.")
    where: list[str] = Field(description="The first ten ids, fields or lines concerned.")
    count: int = Field(description="How many are concerned.")


class ProblemOut(_Answer):
    """A refused request: problem details, RFC 9457."""

    title: str
    status: int
    code: str = Field(description="The reason, for programs.")
    detail: str = Field(description="What was wrong, and the way out.")
    faults: list[FaultOut] = Field(description="What was found wrong in an uploaded file.")


class Page(_Answer, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    page: int = Field(description="Which page this is, from 1.")
    pages: int
    total: int = Field(description="Length of the whole list.")

    @classmethod
    def of(cls, every: Sequence[Any], page: int, per_page: int) -> Self:
        """The part of a list that is on one page."""
        items = list(every[(page - 1) * per_page : page * per_page])
        pages = max(1, ceil(len(every) / per_page))
        return cls.model_validate({"items": items, "page": page, "pages": pages, "total": len(every)})


class BenchmarkOut(_Answer):
    """What is asked on this board."""

    id: str
    name: str
    version: str
    title: str
    view: str = Field(description="In which form tables are shown; empty where there are none.")
    digest: str = Field(description="Of what is asked; a submission names it.")
    hidden: bool = Field(description="Whether its labels are kept on the server.")
    public_id: str | None = Field(description="The public counterpart of a hidden benchmark.")
    main_protocol: str
    main_measure: str
    protocols: list[str]
    measures: list[str]
    slices: list[str]
    quota_day: int | None = Field(description="Accepted submissions of a team a UTC day; null for any number.")
    quota_total: int | None = Field(description="The same in all.")
    decimals: int | None = Field(description="To which figures are rounded; null where they are not.")
    active: bool = Field(description="Whether it takes submissions.")
    generation: int = Field(description="Grows whenever a table of the benchmark changes.")
    added_at: datetime


class UploadOut(_Answer):
    """An upload that was accepted."""

    submission: str = Field(description="Id of the submission.")
    created: bool = Field(description="False when the team had sent this very file before.")
    warnings: list[FaultOut]


class SubmissionOut(_Answer):
    """A submission as it stands."""

    id: str
    benchmark: str
    team: str
    state: State
    reason: str | None = Field(description="Why it stands so; null for everybody but its team.")
    description: Description
    received_at: datetime
    scored_at: datetime | None
    scorer_version: str | None

    @classmethod
    def of(cls, submission: Submission, *, own: bool) -> Self:
        """What may be seen of a submission; `own` by its team."""
        return cls(
            id=submission.id,
            benchmark=submission.benchmark_id,
            team=submission.team.name,
            state=submission.state,
            reason=submission.reason if own else None,
            description=Description.model_validate(submission.description),
            received_at=submission.received_at,
            scored_at=submission.scored_at,
            scorer_version=submission.scorer_version,
        )


class FigureOut(_Answer):
    """One figure of a submission; its bounds are those over the order of ties, and of the 95 % interval."""

    value: float | None
    optimistic: float | None
    pessimistic: float | None
    low: float | None
    high: float | None
    random: float | None = Field(description="What a random order scores.")


class ScoresOut(_Answer):
    """The figures of a submission that may be seen."""

    submission: str
    scores: dict[str, dict[str, dict[str, int | FigureOut]]] = Field(
        description="Protocol, slice, then each measure, and `n`, the number of queries."
    )

    @classmethod
    def of(cls, submission: Submission) -> Self:
        """All figures that are kept: of hidden labels those are the ones that may be told."""
        scores: dict[str, dict[str, dict[str, int | FigureOut]]] = {}
        asked = submission.benchmark
        names = [*asked.protocols, ALL, *asked.slices, *asked.measures]
        places = {name: place for place, name in enumerate(names)}

        def place(one: Score) -> list[int]:
            return [places.get(name, len(names)) for name in (one.protocol, one.slice, one.measure)]

        for one in sorted(submission.scores, key=place):
            entry = scores.setdefault(one.protocol, {}).setdefault(one.slice, {"n": one.n})
            entry[one.measure] = FigureOut.model_validate(one)
        return cls(submission=submission.id, scores=scores)


class RowsQuery(BaseModel):
    """What of a table is asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    protocol: str | None = Field(None, description="Default: the one that the benchmark is ranked by first.")
    measure: str | None = Field(None, description="Default: the one that the benchmark is ranked by first.")
    slice: str = Field(ALL, description="Whose figures are ranked.")
    track: tuple[Track, ...] = Field((), description="Tracks to rank together. Default: each is ranked by itself.")
    sort: str = Field("", description=f"A slice, or {', '.join(SORTS)}; with - before it descending. Default: by rank.")
    page: int = Field(1, ge=1, le=1_000_000)
    per_page: int = Field(100, ge=1, le=500)


class IntervalOut(_Answer):
    """A figure with its 95 % interval; null where there is none."""

    value: float | None
    low: float | None
    high: float | None


class RowOut(_Answer):
    """A system in a table."""

    rank: int | None = Field(description="1 + number of systems significantly better; null for one that is not ranked.")
    model: str
    figures: dict[str, IntervalOut] = Field(description="Of each slice.")
    state: Origin = Field(description="Only verified ones were scored by this board, and are ranked.")
    submission: str
    team: str
    organisation: str
    link: str
    licence: str
    track: Track | None
    parameters: int | None
    open_weights: bool | None
    saw_benchmark: str
    date: date | None
    query_ms: float | None
    cost: dict[str, float | str | None]
    scorer_version: str
    gap: float | None = Field(description="Figure on the public counterpart less that on this hidden benchmark.")
    note: str


class RowsOut(Page[RowOut]):
    """A page of a table: of one protocol, measure and slice."""

    benchmark: str
    generation: int
    protocol: str
    measure: str
    slice: str
    tracks: list[Track] | None = Field(description="Those ranked together; null where each is ranked by itself.")
    slices: dict[str, int] = Field(description="Each slice with its number of queries.")

    @classmethod
    def of_table(cls, found: Table, query: RowsQuery) -> Self:
        """The page that is asked for. Raises `InputError` for an unknown order."""
        page = Page[RowOut].of(_in_order(found, query.sort), query.page, query.per_page)
        about = {name: getattr(found, name) for name in cls.model_fields if name not in Page.model_fields}
        return cls(**dict(page), **about)


def _in_order(found: Table, sort: str) -> Sequence[Row]:
    name = sort.removeprefix("-")
    if not sort:
        return found.rows
    if name not in SORTS and name not in found.slices:
        raise unknown_name("order", name, [*SORTS, *found.slices])

    def key(row: Row) -> Any:
        value = getattr(row, name) if name in SORTS else row.figures.get(name)
        return value.value if isinstance(value, Figure) else value.casefold() if isinstance(value, str) else value

    return ordered(found.rows, key, descending=sort.startswith("-"))


class KeyOut(_Answer):
    """The board's public key."""

    key: str = Field(description="Of Ed25519, 64 hexadecimal digits; with it `mmret board import` checks an export.")
