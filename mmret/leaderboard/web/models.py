"""What the API answers with. A figure that is infinite or not known is null."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from math import ceil
from typing import Any, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from ..board.database import State, Submission
from ..submissions import Description

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
        shown = every[(page - 1) * per_page : page * per_page]
        return cls(items=list(shown), page=page, pages=max(1, ceil(len(every) / per_page)), total=len(every))


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
        for one in submission.scores:
            entry = scores.setdefault(one.protocol, {}).setdefault(one.slice, {"n": one.n})
            entry[one.measure] = FigureOut.model_validate(one)
        return cls(submission=submission.id, scores=scores)
