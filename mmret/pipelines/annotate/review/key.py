"""A shared key, without which a server answers nobody."""

from __future__ import annotations

import hashlib
import hmac
from http import HTTPStatus
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

COOKIE = "mmret-review"


class Guarded:
    """ASGI middleware: whoever opens the page with `?key=KEY` is remembered by a cookie; all others are refused.

    Parameters
    ----------
    key: the secret; the cookie holds a digest that is keyed by it.
    """

    def __init__(self, app: ASGIApp, key: str) -> None:
        self._app, self._key = app, key.encode()
        self._proof = hmac.new(self._key, COOKIE.encode(), hashlib.sha256).hexdigest().encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "http" and (refusal := self._refusal(Request(scope))) is not None:
            await refusal(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _refusal(self, request: Request) -> Response | None:
        given = request.query_params.get("key")
        if given is None and hmac.compare_digest(request.cookies.get(COOKIE, "").encode(), self._proof):
            return None
        if given is None or not hmac.compare_digest(given.encode(), self._key):
            return PlainTextResponse("Open this page with its key: add ?key=KEY to the address.", HTTPStatus.FORBIDDEN)
        # To the same page without the key, which so stays in no history; relative, as a proxy may have it elsewhere.
        rest = urlencode([one for one in request.query_params.multi_items() if one[0] != "key"])
        page = "./" + request.url.path.rpartition("/")[2]
        found = RedirectResponse(f"{page}?{rest}" if rest else page, HTTPStatus.SEE_OTHER)
        found.set_cookie(COOKIE, self._proof.decode(), httponly=True, samesite="lax")
        return found
