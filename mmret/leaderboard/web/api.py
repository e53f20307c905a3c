"""The HTTP API, under `/api/v1/`: read tables and submissions, send and withdraw submissions."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from anyio import to_thread
from fastapi import APIRouter, Depends, Path, Query, Request, Response, Security
from fastapi.responses import FileResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from ...benchmarks import Ragged
from ...evaluation import EXPORTS, Result, Run
from ...errors import InputError
from ..board import Board, states
from ..board.benchmarks import benchmarks as all_benchmarks
from ..board.database import Benchmark, Scope, State, Submission, Team
from ..board.teams import DeniedError, ScopeError, authenticate
from ..submissions import SUFFIX
from .models import BenchmarkOut, Page, ScoresOut, SubmissionOut, UploadOut
from .problems import MEDIA_TYPE, ProblemError
from .tags import Tagged, file_response
from .uploads import Uploads

DESCRIPTION = """\
Tables, submissions and benchmarks of a leaderboard for retrieval.

Reading needs no token. A team's token goes into the header `Authorization: Bearer …`. A refused request is answered
with problem details (RFC 9457), whose `code` is fixed and whose `detail` tells the way out. Answers have an `ETag`: ask
again with `If-None-Match` and what has not changed is answered 304, without a body. After a status 429 or 503 with a
`Retry-After`, the same request may be sent again after as many seconds.
"""
PARQUET = "application/vnd.apache.parquet"
TEXTS = {"csv": "text/csv", "markdown": "text/markdown", "latex": "application/x-tex"}
BENCHMARK_ID = "^[a-z0-9-]{1,64}$"
SUBMISSION_ID = "^[0-9A-Z]{26}$"

router = APIRouter(prefix="/api/v1")
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
BenchmarkId = Annotated[str, Path(pattern=BENCHMARK_ID)]
SubmissionId = Annotated[str, Path(pattern=SUBMISSION_ID)]
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
        raise ProblemError(404, "no-benchmark", f"this board has no benchmark {benchmark_id!r}; see /api/v1/benchmarks")
    return found


@router.get("/benchmarks", tags=["benchmarks"], response_model=Page[BenchmarkOut], responses=problems())
def list_benchmarks(request: Request, board: OfBoard, page: PageNumber = 1, per_page: PageSize = 100) -> Response:
    """All benchmarks, in the order in which they were added."""
    return Tagged.of(Page[BenchmarkOut].of(all_benchmarks(board), page, per_page)).response(request)


@router.get("/benchmarks/{benchmark_id}", tags=["benchmarks"], response_model=BenchmarkOut, responses=problems(404))
def get_benchmark(request: Request, board: OfBoard, benchmark_id: BenchmarkId) -> Response:
    """One benchmark."""
    return Tagged.of(BenchmarkOut.model_validate(benchmark_of(board, benchmark_id))).response(request)


@router.get(
    "/benchmarks/{benchmark_id}/ground", tags=["benchmarks"], response_class=FileResponse, responses=problems(404)
)
def get_ground(request: Request, board: OfBoard, benchmark_id: BenchmarkId) -> Response:
    """What a submission is checked against, for `mmret submit check`: ids and candidates, no labels; ranges too."""
    digest = benchmark_of(board, benchmark_id).ground_digest
    return file_response(request, board.files.path(digest), digest, f"{benchmark_id}.ground.parquet", PARQUET)


@router.post(
    "/benchmarks/{benchmark_id}/submissions",
    tags=["submissions"],
    status_code=201,
    response_model=UploadOut,
    responses=problems(400, 401, 403, 404, 408, 409, 413, 415, 507)
    | {200: {"model": UploadOut, "description": "The team had sent this very file before."}},
    openapi_extra={
        "requestBody": {"required": True, "content": {PARQUET: {"schema": {"type": "string", "format": "binary"}}}}
    },
)
async def submit(
    request: Request, response: Response, board: OfBoard, benchmark_id: BenchmarkId, credentials: Credentials
) -> UploadOut:
    """Send a file that `mmret submit pack` made, as the body.

    The answer comes once the file is checked; a refused one is answered with all its faults. The same file may be sent
    again: it is answered with the submission that there is.
    """
    team = await to_thread.run_sync(team_of, board, credentials, "submit")
    benchmark = await to_thread.run_sync(benchmark_of, board, benchmark_id)
    uploads: Uploads = request.app.state.uploads
    outcome = await uploads.receive(team, benchmark, request.stream())
    response.status_code = 201 if outcome.created else 200
    response.headers["Location"] = str(request.url_for("get_submission", submission_id=outcome.submission).path)
    return UploadOut.model_validate(outcome)


@router.get(
    "/submissions/{submission_id}",
    tags=["submissions"],
    response_model=SubmissionOut,
    responses=problems(401, 403, 404),
)
def get_submission(request: Request, board: OfBoard, submission_id: SubmissionId, credentials: Credentials) -> Response:
    """One submission: a verified one, or with a token any of its team's."""
    submission, own = visible(board, submission_id, credentials)
    return Tagged.of(SubmissionOut.of(submission, own=own)).response(request)


@router.get(
    "/submissions/{submission_id}/scores",
    tags=["submissions"],
    response_model=ScoresOut,
    responses=problems(401, 403, 404) | {200: {"content": {kind: {} for kind in TEXTS.values()}}},
)
def get_scores(
    request: Request,
    board: OfBoard,
    submission_id: SubmissionId,
    credentials: Credentials,
    form: Annotated[Literal["json", "csv", "markdown", "latex"], Query(alias="format")] = "json",
) -> Response:
    """Its figures under each protocol, for each slice; all digits but in Markdown and LaTeX."""
    found = ScoresOut.of(visible(board, submission_id, credentials)[0])
    if form == "json":
        return Tagged.of(found).response(request)
    nothing = Run([], [], Ragged.of([]), np.empty(0, np.float32))  # the texts are made of the scores alone
    result = Result(found.model_dump(), pd.DataFrame(), nothing)
    return Tagged.of_text(EXPORTS[form](result), TEXTS[form]).response(request)


@router.get(
    "/submissions/{submission_id}/run",
    tags=["submissions"],
    response_class=FileResponse,
    responses=problems(401, 403, 404) | {200: {"content": {PARQUET: {}}}},
)
def get_run(request: Request, board: OfBoard, submission_id: SubmissionId, credentials: Credentials) -> Response:
    """The file as its team sent it, for its team alone. Ranges are served."""
    submission, own = visible(board, submission_id, credentials)
    if not own:
        raise ProblemError(403, "not-yours", "a run is given to the team that sent it, with its token")
    path = board.files.path(submission.file_digest)
    return file_response(request, path, submission.file_digest, f"{submission.id}{SUFFIX}", PARQUET)


@router.post(
    "/submissions/{submission_id}/withdraw",
    tags=["submissions"],
    response_model=SubmissionOut,
    responses=problems(401, 403, 404, 409),
)
def withdraw(board: OfBoard, submission_id: SubmissionId, credentials: Credentials) -> SubmissionOut:
    """Take a submission of one's own off the board, for good; it still counts for the quota."""
    team = team_of(board, credentials, "withdraw")
    if find(board, submission_id, team).team_id != team.id:
        raise ProblemError(403, "not-yours", "only the team that sent a submission withdraws it")
    try:
        states.withdraw(board, team, submission_id)
    except InputError as error:
        raise ProblemError(409, "state", str(error)) from None
    return SubmissionOut.of(find(board, submission_id, team), own=True)


def visible(
    board: Board, submission_id: str, credentials: HTTPAuthorizationCredentials | None
) -> tuple[Submission, bool]:
    """A submission that whoever asks may see, and whether it is of the own team. Raises `ProblemError`."""
    team = None if credentials is None else team_of(board, credentials, "read")
    found = find(board, submission_id, team)
    return found, team is not None and found.team_id == team.id


def find(board: Board, submission_id: str, team: Team | None) -> Submission:
    """A submission that everybody may see, or the team. Raises `ProblemError` 404."""
    with board.reading() as session:
        wanted = select(Submission).where(Submission.id == submission_id)
        found = session.scalar(wanted.options(joinedload(Submission.team), selectinload(Submission.scores)))
    if found is None or (found.state != State.verified and (team is None or found.team_id != team.id)):
        raise ProblemError(404, "no-submission", f"there is no submission {submission_id} that you may see")
    return found


@router.api_route("/{rest:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
def nothing(rest: str) -> None:
    """What is asked of the API and is none of its routes goes no further, to the pages."""
    detail = f"/api/v1/{rest[:100]} is no route of the API, or not with this method; see /openapi.json"
    raise ProblemError(404, "no-route", detail)
