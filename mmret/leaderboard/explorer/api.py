"""What the explorer's pages show, as JSON under /api."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from .browse import Kind, Sort, select
from .pages.scene import Scene, place_of
from .views import query_view, rows_view, study_view

AT_ONCE = 500  # queries in a list, or documents of a query, that one request may ask for


class Filters(BaseModel):
    """Parameters of `browse.select`, by their names."""

    slices: list[str] = []
    system: str | None = None
    versus: str | None = None
    kind: Kind = "all"
    within: Annotated[int, Field(ge=1)] = 1
    text: str = ""
    sort: Sort = "id"
    reverse: bool = False


class Asked(Filters):
    """Queries that fit, `count` of them from number `first`."""

    protocol: str | None = None
    first: Annotated[int, Field(ge=0)] = 0
    count: Annotated[int, Field(ge=1, le=AT_ONCE)] = 50


def router(scene: Scene) -> APIRouter:
    """The routes of one study."""
    study = scene.study
    found = APIRouter(prefix="/api")

    @found.get("/study")
    def shown() -> dict[str, Any]:
        """The benchmark and the systems."""
        return study_view(study)

    @found.get("/queries")
    def chosen(asked: Annotated[Asked, Query()]) -> dict[str, Any]:
        """A list of queries."""
        facts = study.facts(asked.protocol or study.protocols[0])
        fit = select(facts, **asked.model_dump(include=set(Filters.model_fields)))
        return {"found": len(fit), "queries": rows_view(facts, fit[asked.first : asked.first + asked.count])}

    @found.get("/queries/{query:path}")
    def one(query: str, protocol: str | None = None, k: Annotated[int, Query(ge=1, le=AT_ONCE)] = 20) -> dict[str, Any]:
        """Everything about one query, named by its id."""
        place = place_of(study.benchmark.queries, query, "query")
        return query_view(study.facts(protocol or study.protocols[0]), scene.shelf, place, k)

    @found.get("/votes")
    def cast(least: Annotated[int, Query(ge=1)] = 1) -> list[dict[str, Any]]:
        """What at least so many people say of labels."""
        return [] if scene.votes is None else [asdict(tally) for tally in scene.votes.tally(least)]

    return found
