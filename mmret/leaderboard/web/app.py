"""The web application: API, pages, health and metrics, behind what guards them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from http import HTTPStatus
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from anyio import to_thread
from fastapi import FastAPI, Response
from fastapi.openapi.utils import get_openapi
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from ...serving.security import Secured
from ..board import Board
from . import api
from .crew import Crew
from .limits import USUAL, Limited, Limits
from .models import ProblemOut
from .observe import Health, Metrics, Observed, health_of
from .pages import mount
from .problems import HANDLERS
from .uploads import Uploads

if TYPE_CHECKING:
    from ..explorer.boards import BoardExplorer


def create_app(
    board: Board,
    *,
    limits: Limits = USUAL,
    frames: Sequence[str] = (),
    crew: Crew | None = None,
    explorer: BoardExplorer | None = None,
) -> FastAPI:
    """The application of one board.

    Parameters
    ----------
    frames: origins whose pages may show the board in a frame.
    crew: started and ended with the application; None where scorers run elsewhere.
    explorer: shows what submissions answered; None where nobody is to see that.
    """
    metrics, uploads = Metrics(board), Uploads(board)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await to_thread.run_sync(board.sweep)
        with crew or contextlib.nullcontext(), contextlib.closing(uploads):
            yield

    app = FastAPI(
        title="mmret board",
        version=version("mmret"),
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        exception_handlers=HANDLERS,
    )
    app.state.board, app.state.uploads = board, uploads
    app.include_router(api.router)
    if explorer is not None:
        app.include_router(explorer.router())
    methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
    app.add_api_route("/api/{rest:path}", api.nothing, methods=methods, include_in_schema=False)

    @app.get("/health", tags=["server"], responses={503: {"model": Health}})
    def health(response: Response) -> Health:
        """Whether the server can do its work: 200, or 503 with what it lacks."""
        found = health_of(board, crew.alive if crew else None)
        response.status_code = HTTPStatus.OK if found.ok else HTTPStatus.SERVICE_UNAVAILABLE
        return found

    @app.get("/metrics", tags=["server"], response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    def measured() -> Response:
        """Counts, for Prometheus."""
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    app.openapi = lambda: _described(app)  # type: ignore[method-assign]  # as FastAPI's manual extends it
    # The last one added sees a request first.
    app.add_middleware(Limited, limits=limits)
    app.add_middleware(Secured, frames=frames)
    app.add_middleware(Observed, metrics=metrics)
    return mount(app, board, explorer)


def _described(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI description, with the form of problems, which stands in no route's signature."""
    if app.openapi_schema is None:
        found = get_openapi(title=app.title, version=app.version, description=api.DESCRIPTION, routes=app.routes)
        form = ProblemOut.model_json_schema(ref_template="#/components/schemas/{model}")
        found["components"]["schemas"] |= form.pop("$defs") | {ProblemOut.__name__: form}
        app.openapi_schema = found
    return app.openapi_schema
