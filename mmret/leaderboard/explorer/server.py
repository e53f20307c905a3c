"""The explorer's server: its pages, their media, and what they show as JSON."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.middleware.trustedhost import TrustedHostMiddleware

from ...errors import InputError, RunError
from ...media import Workers
from ...serving import local
from ...serving.pages import mount
from ...serving.security import Secured
from . import api
from .pages import actions, build
from .pages.render import html
from .pages.scene import Scene
from .pages.stills import Stills

PAINTERS, TIME_LIMIT = 2, 20.0  # processes that draw small pictures, and seconds for one


def create_app(scene: Scene, *, hosts: Sequence[str] = ("*",)) -> FastAPI:
    """The application of one study. It writes votes, where the scene takes any, and nothing else that stays.

    Parameters
    ----------
    hosts: names by which it may be called; "*" is any.
    """
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
    app.include_router(scene.shelf.router())
    app.include_router(Stills(scene.shelf, workers).router())
    app.include_router(actions.router(scene))
    app.include_router(api.router(scene))
    return mount(app, build(scene), html("explorer.css"))


def serve(scene: Scene, host: str, port: int, told: Callable[[str], None]) -> None:
    """Serve a study until Ctrl-C; see `serving.local.serve`."""
    local.serve(lambda hosts: create_app(scene, hosts=hosts), host, port, told)


def _refused(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"error": str(error)}, status_code=400)


def _failed(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"error": str(error)}, status_code=500)
