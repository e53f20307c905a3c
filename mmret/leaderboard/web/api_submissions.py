"""The routes of the API for submissions: send, see, withdraw."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import pandas as pd
from anyio import to_thread
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse
from fastapi.security import HTTPAuthorizationCredentials
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from ...benchmarks import Ragged
from ...errors import InputError
from ...evaluation import EXPORTS, Result, Run
from ..board import Board, states
from ..board.database import State, Submission, Team
from ..submissions import PARQUET, SUFFIX
from .asking import BenchmarkId, Credentials, OfBoard, SubmissionId, benchmark_of, problems, team_of
from .models import ScoresOut, SubmissionOut, UploadOut
from .problems import ProblemError
from .tags import Tagged, file_response
from .uploads import Uploads

TEXTS = {"csv": "text/csv", "markdown": "text/markdown", "latex": "application/x-tex"}

router = APIRouter()


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
    return Tagged.of_bytes(EXPORTS[form](result).encode(), TEXTS[form]).response(request)


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
        beside = joinedload(Submission.team), joinedload(Submission.benchmark), selectinload(Submission.scores)
        found = session.scalar(wanted.options(*beside))
    if found is None or (found.state != State.verified and (team is None or found.team_id != team.id)):
        raise ProblemError(404, "no-submission", f"there is no submission {submission_id} that you may see")
    return found
