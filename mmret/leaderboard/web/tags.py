"""Answers with an entity tag, and conditional requests (RFC 9110, sections 8.8.3 and 13.1.2)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from fastapi import Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel

JSON = "application/json"


@dataclass(frozen=True)
class Tagged:
    """Content and its strong tag, kept together where the content is kept."""

    content: bytes
    tag: str
    media_type: str = JSON

    @classmethod
    def of(cls, answer: BaseModel) -> Tagged:
        """An answer as JSON."""
        return cls.of_bytes(answer.model_dump_json(by_alias=True).encode(), JSON)

    @classmethod
    def of_bytes(cls, content: bytes, media_type: str) -> Tagged:
        """Content as it is."""
        return cls(content, hashlib.sha256(content).hexdigest()[:32], media_type)

    def response(self, request: Request) -> Response:
        """The content, or 304 for a client that holds it."""
        headers = _headers(request, self.tag)
        return _not_modified(request, headers) or Response(self.content, headers=headers, media_type=self.media_type)


def file_response(request: Request, path: Path, digest: str, name: str, media_type: str) -> Response:
    """A file under a name for whoever saves it, or the range of it that is asked for, or 304.

    Parameters
    ----------
    digest: of its content, its tag.
    """
    headers = _headers(request, digest)
    response = FileResponse(path, headers=headers, media_type=media_type, filename=name)
    return _not_modified(request, headers) or response


def _headers(request: Request, tag: str) -> dict[str, str]:
    """Every use asks whether it has changed; what is told with a token is for its team alone."""
    share = "private" if "authorization" in request.headers else "public"
    return {"ETag": f'"{tag}"', "Cache-Control": f"{share}, no-cache", "Vary": "Authorization"}


def _not_modified(request: Request, headers: dict[str, str]) -> Response | None:
    """304 where If-None-Match says that the client holds it."""
    held = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    if headers["ETag"] in held or "*" in held:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return None
