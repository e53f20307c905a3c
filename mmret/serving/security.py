"""What pages may do, and who may write: headers for browsers, routes that are closed, requests from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import urlsplit

from fastapi import HTTPException, Request
from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Gradio's pages carry their settings in inline scripts and make functions of the events' JavaScript; nothing comes from
# elsewhere, and what people write is escaped where it is shown.
PAGES = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
    "media-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'"
)
API = "default-src 'none'; sandbox"
# Of Gradio's own routes, those that the pages use. The others take and give files, and fetch addresses for anybody.
USED = re.compile(
    r"/gradio_api/(run/predict|component_server|queue/(join|data)|heartbeat/\w+|info|startup-events|app_id)/?"
)


class Secured:
    """ASGI middleware that adds the headers.

    Parameters
    ----------
    frames: origins whose pages may show these in a frame, such as https://huggingface.co.
    """

    def __init__(self, app: ASGIApp, frames: Sequence[str] = ()) -> None:
        self._app = app
        self._ancestors = "; frame-ancestors " + " ".join(["'self'", *frames])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        of_api = scope["path"].startswith("/api/")

        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = (API if of_api else PAGES) + self._ancestors
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "no-referrer"
                headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
                headers["Cross-Origin-Resource-Policy"] = "same-origin"
                if scope["scheme"] == "https":
                    headers["Strict-Transport-Security"] = "max-age=31536000"
            await send(message)

        if scope["path"].startswith("/gradio_api") and not USED.fullmatch(scope["path"]):
            problem = {"status": 404, "code": "not-found", "detail": "the pages use no such route"}
            closed = JSONResponse(problem, HTTPStatus.NOT_FOUND, media_type="application/problem+json")
            await closed(scope, receive, secured)
        else:
            await self._app(scope, receive, secured)


def own_page(request: Request) -> None:
    """Refuse what another site's page sends: a browser says whence a request comes."""
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise HTTPException(HTTPStatus.FORBIDDEN, "only the server's own pages may do this")
