"""The explorer's server: media, and what the pages show as JSON under /api."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.responses import JSONResponse
from starlette.middleware.trustedhost import TrustedHostMiddleware

from ...errors import InputError, RunError
from .answers import Study
from .browse import Kind, Sort, select
from .media import MediaShelf
from .views import query_view, rows_view, study_view
from .votes import Votes

LOCAL = ["localhost", "127.0.0.1", "[::1]"]
AT_ONCE = 500  # queries in a list, or documents of a query, that one request may ask for


def create_app(study: Study, shelf: MediaShelf, votes: Votes, *, hosts: list[str] | None = None) -> FastAPI:
    """The application of one study. Nothing in it writes.

    Parameters
    ----------
    hosts: names by which it may be called; None for any. A page elsewhere cannot give itself one of them and then read.
    """
    app = FastAPI(title="mmret explore", docs_url=None, redoc_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=hosts or ["*"])
    app.add_exception_handler(InputError, _refused)
    app.include_router(shelf.router())
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
        return [asdict(tally) for tally in votes.tally(least)]

    return app


def serve(study: Study, shelf: MediaShelf, votes: Votes, host: str, port: int, told: Callable[[str], None]) -> None:
    """Serve a study until Ctrl-C.

    Parameters
    ----------
    port: 0 takes a free one.
    told: is given the address before the first request is served.

    Raises `RunError` when the address cannot be had.
    """
    import uvicorn

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        raise RunError(f"{host}:{port}: {error.strerror or error}; name another with --host or --port") from error
    with listener, contextlib.suppress(KeyboardInterrupt):
        name = f"[{host}]" if ":" in host else host
        app = create_app(study, shelf, votes, hosts=LOCAL if name in LOCAL else None)
        told(f"http://{name}:{listener.getsockname()[1]}/")
        uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none")).run(sockets=[listener])


def _refused(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"error": str(error)}, status_code=400)
