"""What the pages do beyond showing: cast votes, take a file to search with, hand out the mended labels."""

from __future__ import annotations

import tempfile
from http import HTTPStatus
from pathlib import Path
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from ....errors import InputError
from ....serving.media import TYPES
from ....serving.security import own_page
from ..votes import Votes
from .asking import LARGEST, search
from .render import html
from .scene import Scene
from .state import State


class Ballot(BaseModel):
    """A vote as it is sent: see `votes.Vote`."""

    query: str
    document: str
    verdict: str
    reason: str = ""
    by: str


def router(scene: Scene) -> APIRouter:
    """POST /votes, GET /votes/qrels and POST /live, as far as the scene allows them."""
    found = APIRouter(include_in_schema=False)
    if scene.votes is not None:
        _add_votes(found, scene.votes)
    if scene.live is not None:
        _add_live(found, scene)
    return found


def _add_votes(found: APIRouter, votes: Votes) -> None:
    @found.post("/votes", status_code=HTTPStatus.NO_CONTENT, dependencies=[Depends(own_page)])
    def cast(ballot: Ballot) -> None:
        votes.cast(**ballot.model_dump())

    @found.get("/votes/qrels")
    def qrels(least: Annotated[int, Query(ge=1)] = 1) -> Response:
        headers = {"Content-Disposition": 'attachment; filename="mended.tsv"'}
        return Response(votes.qrels(least), media_type="text/tab-separated-values", headers=headers)


def _add_live(found: APIRouter, scene: Scene) -> None:
    @found.post("/live", dependencies=[Depends(own_page)])
    async def ask(request: Request, name: str = "") -> HTMLResponse:
        """Search; the address holds the query, and the body the file of that name, if any."""
        state = State.parse(request.url.query)
        with tempfile.TemporaryDirectory(prefix="mmret-live-") as folder:
            suffix = Path(name).suffix.lower()
            path = Path(folder) / f"query{suffix if suffix in TYPES else ''}"
            sent = await _receive(request, path)
            values = await to_thread.run_sync(search, scene, state, path if sent else None)
        return HTMLResponse(html("found.html.j2", **values, state=state))


async def _receive(request: Request, path: Path) -> int:
    """Write the body to a file as it comes; the number of its bytes. Raises `InputError` for one that is too large."""
    size = 0
    with path.open("wb") as file:
        async for piece in request.stream():
            size += len(piece)
            if size > LARGEST:
                raise InputError(f"a file to search with may have {LARGEST // 10**6} MB at most")
            file.write(piece)
    return size
