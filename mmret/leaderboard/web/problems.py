"""Refusals as HTTP tells them: problem details (RFC 9457)."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from ...errors import InputError, RunError, first_ten
from ..submissions import Fault

_log = logging.getLogger("mmret.web")

MEDIA_TYPE = "application/problem+json"


class ProblemError(InputError):
    """A request that is refused, in words for the person who sent it.

    Parameters
    ----------
    status: of HTTP, 4xx, or 503 and 507 where the server is short of something.
    code: a short fixed name of the reason, for programs.
    detail: what was wrong and the way out; never a secret, a label or a path of the server.
    faults: everything that was found wrong in an uploaded file.
    retry_after: seconds after which the same request may succeed; None where it will not.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        faults: Sequence[Fault] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.faults = list(faults)
        self.retry_after = retry_after

    def headers(self) -> Mapping[str, str]:
        """Those that HTTP asks for beside the status."""
        headers = {} if self.retry_after is None else {"Retry-After": str(max(1, math.ceil(self.retry_after)))}
        return headers | ({"WWW-Authenticate": "Bearer"} if self.status == HTTPStatus.UNAUTHORIZED else {})

    def body(self) -> dict[str, Any]:
        """What is sent."""
        return {
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "code": self.code,
            "detail": str(self),
            "faults": [asdict(fault) for fault in self.faults],
        }

    def response(self) -> JSONResponse:
        """The answer to the request."""
        return JSONResponse(self.body(), self.status, self.headers(), MEDIA_TYPE)


async def _of_problem(_: Request, error: ProblemError) -> Response:
    return error.response()


async def _of_invalid(_: Request, error: RequestValidationError) -> Response:
    wrong = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", first_ten(wrong)).response()


async def _of_failure(_: Request, error: RunError) -> Response:
    """Of disk or database; its text is for whoever runs the board."""
    _log.error("the board failed", exc_info=error)
    detail = "the board cannot do this now; try again soon"
    return ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", detail, retry_after=5).response()


HANDLERS: dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]] = {
    ProblemError: _of_problem,
    RequestValidationError: _of_invalid,
    RunError: _of_failure,
}
