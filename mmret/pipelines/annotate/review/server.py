"""The server of the page on which people vote: the page, the clips of its items, and what its buttons do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http import HTTPStatus

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import BaseModel
from starlette.middleware.trustedhost import TrustedHostMiddleware

from .... import items
from ....errors import InputError, RunError
from ....serving import local
from ....serving.media import MediaShelf
from ....serving.pages import mount
from ....serving.security import Secured, own_page
from ..project import Project
from .desk import Desk, View
from .key import Guarded
from .page import build, html


class Asked(BaseModel):
    """Who asks."""

    reviewer: str


class OfItem(Asked):
    """Who asks, and of which item."""

    item: str


class Ballot(OfItem):
    """A vote as it is sent."""

    accept: bool
    reason: str = ""


def create_app(desk: Desk, project: Project, *, hosts: Sequence[str] = ("*",), key: str | None = None) -> FastAPI:
    """The application of a desk.

    Parameters
    ----------
    project: where the clips lie.
    hosts: names by which it may be called; "*" is any.
    key: without which nobody is answered; None where everybody may vote.
    """
    clips = {name for item in desk.items.values() for name in (item.source, item.target)}
    media = {name: items.Media(project.clip(name)) for name in clips}
    shelf = MediaShelf(items.Item(name, video=one) for name, one in media.items())
    app = FastAPI(title="mmret review", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(Secured)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    if key is not None:
        app.add_middleware(Guarded, key=key)  # the last one added sees a request first
    app.add_exception_handler(InputError, _refused)
    app.add_exception_handler(RunError, _failed)
    app.include_router(shelf.router())
    app.include_router(_router(desk, lambda clip: shelf.url(media[clip])))
    return mount(app, build(desk), html("review.css"))


def serve(
    desk: Desk, project: Project, host: str, port: int, told: Callable[[str], None], key: str | None = None
) -> None:
    """Take votes until Ctrl-C; see `serving.local.serve`."""
    local.serve(lambda hosts: create_app(desk, project, hosts=hosts, key=key), host, port, told)


def _router(desk: Desk, url: Callable[[str], str]) -> APIRouter:
    """POST /review/…: each does what it says and gives the HTML of what the person sees next."""
    found = APIRouter(prefix="/review", include_in_schema=False, dependencies=[Depends(own_page)])

    def shown(view: View) -> HTMLResponse:
        return HTMLResponse(html("desk.html.j2", view=view, desk=desk, url=url))

    @found.post("/next")
    def following(asked: Asked) -> HTMLResponse:
        return shown(desk.view(asked.reviewer))

    @found.post("/vote")
    def vote(ballot: Ballot) -> HTMLResponse:
        return shown(desk.vote(ballot.reviewer, ballot.item, ballot.accept, ballot.reason))

    @found.post("/skip")
    def skip(asked: OfItem) -> HTMLResponse:
        return shown(desk.skip(asked.reviewer, asked.item))

    @found.post("/undo")
    def undo(asked: Asked) -> HTMLResponse:
        return shown(desk.undo(asked.reviewer))

    @found.post("/verdicts")
    def verdicts(asked: Asked) -> HTMLResponse:
        return shown(desk.verdicts(asked.reviewer))

    return found


def _refused(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, HTTPStatus.CONFLICT)


def _failed(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, HTTPStatus.INTERNAL_SERVER_ERROR)
