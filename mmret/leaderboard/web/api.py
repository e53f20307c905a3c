"""The HTTP API, under `/api/v1/`: benchmarks, their tables, and all of it signed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse

from ...errors import InputError
from ..board.benchmarks import benchmarks as all_benchmarks
from ..board.database import Benchmark
from ..board.export import export
from ..board.memory import Memory
from ..board.rows import table
from ..board.signing import public_key
from ..submissions import PARQUET
from . import api_submissions
from .asking import BenchmarkId, OfBoard, PageNumber, PageSize, benchmark_of, no_benchmark, problems
from .models import BenchmarkOut, KeyOut, Page, RowsOut, RowsQuery
from .problems import ProblemError
from .tags import JSON, Tagged, file_response

DESCRIPTION = """\
Tables, submissions and benchmarks of a leaderboard for retrieval.

Reading needs no token. A team's token goes into the header `Authorization: Bearer …`. A refused request is answered
with problem details (RFC 9457), whose `code` is fixed and whose `detail` tells the way out. Answers have an `ETag`: ask
again with `If-None-Match` and what has not changed is answered 304, without a body. After a status 429 or 503 with a
`Retry-After`, the same request may be sent again after as many seconds.
"""

router = APIRouter(prefix="/api/v1")
router.include_router(api_submissions.router)
_answers: Memory[Tagged] = Memory(256)


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


@router.get("/benchmarks/{benchmark_id}/rows", tags=["benchmarks"], response_model=RowsOut, responses=problems(404))
def get_rows(
    request: Request, board: OfBoard, benchmark_id: BenchmarkId, query: Annotated[RowsQuery, Query()]
) -> Response:
    """A table: one protocol, measure and slice, and one track or those that are asked to be ranked together."""
    with board.reading() as session:
        held = session.get(Benchmark, benchmark_id)  # by name, for else `table` would read it a second time
        if held is None:
            raise no_benchmark(benchmark_id)
        try:
            tracks = query.track or None
            found = table(
                board, benchmark_id, query.protocol, query.measure, slice=query.slice, tracks=tracks, session=session
            )
            key = (benchmark_id, query)
            made = _answers.get(board, key, found.generation, lambda: Tagged.of(RowsOut.of_table(found, query)))
        except InputError as error:
            raise ProblemError(422, "invalid", str(error)) from None
    return made.response(request)


@router.get("/export", tags=["export"], response_class=Response, responses=problems() | {200: {"content": {JSON: {}}}})
def get_export(request: Request, board: OfBoard) -> Response:
    """All public tables as one document that the board signs, for `mmret board import` on another."""
    generation = sum(one.generation for one in all_benchmarks(board))
    return _answers.get(board, "export", generation, lambda: Tagged.of_bytes(export(board), JSON)).response(request)


@router.get("/key", tags=["export"], response_model=KeyOut, responses=problems())
def get_key(request: Request, board: OfBoard) -> Response:
    """The public key by which the board's exports are known."""
    return Tagged.of(KeyOut(key=public_key(board.folder))).response(request)


def nothing(rest: str) -> None:
    """The refusal of what is asked of the API and is none of its routes, so that it goes no further, to the pages."""
    detail = f"/api/{rest[:100]} is no route of the API, or not with this method; see /openapi.json"
    raise ProblemError(404, "no-route", detail)
