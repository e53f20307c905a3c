"""The explorer's server: its pages, media, and what the pages show as JSON under /api."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.responses import JSONResponse
from starlette.middleware.trustedhost import TrustedHostMiddleware

from ...errors import InputError, RunError
from ...media import Workers
from ...serving import local
from ...serving.pages import mount
from ...serving.security import Secured
from .browse import Kind, Sort, select
from .pages import actions, build
from .pages.render import html
from .pages.scene import Scene
from .pages.stills import Stills
from .views import query_view, rows_view, study_view

PAINTERS, TIME_LIMIT = 2, 20.0  # processes that draw small pictures, and seconds for one
AT_ONCE = 500  # queries in a list, or documents of a query, that one request may ask for


def create_app(scene: Scene, *, hosts: Sequence[str] = ("*",)) -> FastAPI:
    """The application of one study. It writes votes, where the scene takes any, and nothing else that stays.

    Parameters
    ----------
    hosts: names by which it may be called; "*" is any.
    """
    study, shelf = scene.study, scene.shelf
    workers = Workers(PAINTERS, TIME_LIMIT)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with contextlib.closing(workers):
            yield

    app = FastAPI(title="mmret explore", docs_url=None, redoc_url=None, lifespan=lifespan)
    app.add_middleware(Secured)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    app.add_exception_handler(InputError, _refused)
    app.add_exception_handler(RunError, _failed)
    app.include_router(shelf.router())
    app.include_router(Stills(shelf, workers).router())
    app.include_router(actions.router(scene))
    places = {item.id: i for i, item in enumerate(study.benchmark.queries)}

    @app.get("/api/study")
    def shown() -> dict[str, Any]:
        """The benchmark and the systems."""
        return study_view(study)

    @app.get("/api/queries")
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
        facts = study.facts(protocol or study.protocols[0])
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

    @app.get("/api/queries/{query:path}")
    def one(query: str, protocol: str | None = None, k: Annotated[int, Query(ge=1, le=AT_ONCE)] = 20) -> dict[str, Any]:
        """Everything about one query, named by its id."""
        if query not in places:
            raise InputError(f"{query!r} is no query of this study")
        return query_view(study.facts(protocol or study.protocols[0]), shelf, places[query], k)

    @app.get("/api/votes")
    def cast(least: Annotated[int, Query(ge=1)] = 1) -> list[dict[str, Any]]:
        """What at least so many people say of labels."""
        return [] if scene.votes is None else [asdict(tally) for tally in scene.votes.tally(least)]

    return mount(app, build(scene), html("explorer.css"))


def serve(scene: Scene, host: str, port: int, told: Callable[[str], None]) -> None:
    """Serve a study until Ctrl-C; see `serving.local.serve`."""
    local.serve(lambda hosts: create_app(scene, hosts=hosts), host, port, told)


def _refused(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"error": str(error)}, status_code=400)


def _failed(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"error": str(error)}, status_code=500)
