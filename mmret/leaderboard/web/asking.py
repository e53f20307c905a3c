"""What the routes of the API share: who asks, for what, and how they may be refused."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Path, Query, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from ..board import Board
from ..board.database import Benchmark, Scope, Team
from ..board.teams import DeniedError, ScopeError, authenticate
from .problems import MEDIA_TYPE, ProblemError

_bearer = HTTPBearer(auto_error=False, description="A team's token, `mmret_…`; those who run the board give it.")


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The refusals of a route, for its description; those that any request may meet are added."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}}
    every = sorted({*statuses, 422, 429, 503})
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in every}


async def _board(request: Request) -> Board:
    board: Board = request.app.state.board
    return board


OfBoard = Annotated[Board, Depends(_board)]
Credentials = Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]
BenchmarkId = Annotated[str, Path(pattern="^[a-z0-9-]{1,64}$")]
SubmissionId = Annotated[str, Path(pattern="^[0-9A-Z]{26}$")]
PageNumber = Annotated[int, Query(ge=1, le=1_000_000)]
PageSize = Annotated[int, Query(ge=1, le=500)]


def team_of(board: Board, credentials: HTTPAuthorizationCredentials | None, scope: Scope) -> Team:
    """Whose token came with the request. Raises `ProblemError` 401 or 403."""
    if credentials is None:
        raise ProblemError(401, "no-token", "this needs a team's token: Authorization: Bearer mmret_…")
    try:
        return authenticate(board, credentials.credentials, scope)
    except DeniedError as denied:
        raise ProblemError(401, "bad-token", str(denied)) from None
    except ScopeError as denied:
        raise ProblemError(403, "scope", str(denied)) from None


def benchmark_of(board: Board, benchmark_id: str) -> Benchmark:
    """A benchmark of the board. Raises `ProblemError` 404."""
    with board.reading() as session:
        found = session.get(Benchmark, benchmark_id)
    if found is None:
        raise no_benchmark(benchmark_id)
    return found


def no_benchmark(benchmark_id: str) -> ProblemError:
    """The refusal for an id that the board does not know."""
    return ProblemError(404, "no-benchmark", f"this board has no benchmark {benchmark_id!r}; see /api/v1/benchmarks")
