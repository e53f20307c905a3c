"""What the explorer's pages show, as JSON under /api."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query

from ...errors import InputError
from .browse import Kind, Sort, select
from .pages.scene import Scene
from .views import query_view, rows_view, study_view

AT_ONCE = 500  # queries in a list, or documents of a query, that one request may ask for


def router(scene: Scene) -> APIRouter:
    """The routes of one study."""
    study = scene.study
    found = APIRouter(prefix="/api")
    places = {item.id: i for i, item in enumerate(study.benchmark.queries)}

    @found.get("/study")
    def shown() -> dict[str, Any]:
        """The benchmark and the systems."""
        return study_view(study)

    @found.get("/queries/{query:path}")
    def one(query: str, protocol: str | None = None, k: Annotated[int, Query(ge=1, le=AT_ONCE)] = 20) -> dict[str, Any]:
        """Everything about one query, named by its id."""
        if query not in places:
            raise InputError(f"{query!r} is no query of this study")
        return query_view(study.facts(protocol or study.protocols[0]), scene.shelf, places[query], k)

    @found.get("/votes")
    def cast(least: Annotated[int, Query(ge=1)] = 1) -> list[dict[str, Any]]:
        """What at least so many people say of labels."""
        return [] if scene.votes is None else [asdict(tally) for tally in scene.votes.tally(least)]

    found.get("/queries")(_chosen(scene))
    return found


def _chosen(scene: Scene) -> Callable[..., dict[str, Any]]:
    def chosen(
        protocol: str | None = None,
        slices: Annotated[list[str] | None, Query()] = None,
        system: str | None = None,
        versus: str | None = None,
        kind: Kind = "all",
        within: Annotated[int, Query(ge=1)] = 1,
        text: str = "",
        sort: Sort = "id",
        reverse: bool = False,
        first: Annotated[int, Query(ge=0)] = 0,
        count: Annotated[int, Query(ge=1, le=AT_ONCE)] = 50,
    ) -> dict[str, Any]:
        """Queries that fit, `count` of them from number `first`; parameters as of `browse.select`."""
        facts = scene.study.facts(protocol or scene.study.protocols[0])
        found = select(
            facts,
            slices=slices or (),
            system=system,
            versus=versus,
            kind=kind,
            within=within,
            text=text,
            sort=sort,
            reverse=reverse,
        )
        return {"found": len(found), "queries": rows_view(facts, found[first : first + count])}

    return chosen
