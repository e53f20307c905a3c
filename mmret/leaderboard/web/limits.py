"""Limits on what a client may ask: requests a minute, the size of a body, and how slowly it may come."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import ipaddress
import os
import re
import shutil
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..submissions import MAX_BYTES
from .problems import ProblemError

UPLOAD = re.compile(r"/api/v1/benchmarks/[^/]+/submissions")
SPARE = 1 << 30  # bytes that uploads leave free on the disk
FREE = re.compile(r"/(assets|static)/|/health$|/favicon\.ico$")


@dataclass(frozen=True)
class Limits:
    """What the server allows.

    Parameters
    ----------
    requests, uploads: a minute, for each token and each address; the API, the page and its events count, style sheets
        and the like do not.
    upload_bytes, body_bytes: size of an uploaded file, and of any other body.
    uploads_at_once: uploads that are being received at one time.
    idle: seconds without a byte after which a body is given up.
    bytes_per_second: mean speed below which it is given up, after `idle` seconds of waiting.
    linger: seconds for which a refused body is still read, so that the answer reaches a client that is busy sending.
    """

    requests: float = 1200
    uploads: float = 60
    upload_bytes: int = MAX_BYTES
    body_bytes: int = 1_000_000
    uploads_at_once: int = 64
    idle: float = 20
    bytes_per_second: float = 10_000
    linger: float = 2


USUAL = Limits()


def has_room(folder: Path) -> bool:
    """Whether files can be written there and the disk has space to spare."""
    return os.access(folder, os.W_OK) and shutil.disk_usage(folder).free > SPARE


class Buckets:
    """One token bucket a key: `rate` a minute, and as many at once (generic cell rate algorithm, ITU-T I.371).

    The keys used longest ago are forgotten beyond `keys` of them, so that memory stays bounded.
    """

    def __init__(self, rate: float, keys: int = 100_000, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval = 60 / rate
        self._keys = keys
        self._clock = clock
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def take(self, key: str) -> float:
        """Seconds to wait; 0 means go ahead, and that it was counted."""
        now = self._clock()
        full_at = max(self._full_at.get(key, now), now) + self._interval
        if full_at - now > 60:
            return full_at - now - 60
        self._full_at[key] = full_at
        self._full_at.move_to_end(key)
        if len(self._full_at) > self._keys:
            self._full_at.popitem(last=False)
        return 0.0


class Limited:
    """ASGI middleware that refuses what passes the limits."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits
        self._requests = Buckets(limits.requests)
        self._uploads = Buckets(limits.uploads)
        self._receiving = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        uploading = scope["method"] == "POST" and UPLOAD.fullmatch(scope["path"]) is not None
        body = _Body(receive, send, self._limits, self._limits.upload_bytes if uploading else self._limits.body_bytes)
        try:
            self._admit(scope, uploading)
            body.expect(Headers(scope=scope))
        except ProblemError as problem:
            await body.refuse(problem)
            return
        self._receiving += uploading
        try:
            await self._app(scope, body.receive, body.send)
        except ClientDisconnect:
            pass  # nobody is left to be answered
        finally:
            self._receiving -= uploading

    def _admit(self, scope: Scope, uploading: bool) -> None:
        if FREE.match(scope["path"]):
            return
        for key in _keys(scope):
            wait = self._requests.take(key) or (self._uploads.take(key) if uploading else 0.0)
            if wait:
                detail = f"too many requests; try again in {wait:.0f} s"
                raise ProblemError(HTTPStatus.TOO_MANY_REQUESTS, "too-many-requests", detail, retry_after=wait)
        if uploading and self._receiving >= self._limits.uploads_at_once:
            detail = "the server is receiving as many uploads as it can; try again soon"
            raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, "busy", detail, retry_after=5)


def _keys(scope: Scope) -> list[str]:
    """Whom a request counts for: its address (of IPv6 the network, which one client has whole) and its token."""
    host = scope["client"][0] if scope.get("client") else ""
    try:
        address = ipaddress.ip_address(host)
        if isinstance(address, ipaddress.IPv6Address):  # one of IPv4 in it comes from a proxy that listens to both
            host = str(address.ipv4_mapped or ipaddress.ip_network((address, 64), strict=False))
    except ValueError:
        pass  # a local socket has no address
    authorization = Headers(scope=scope).get("authorization")
    return [host] if authorization is None else [host, hashlib.sha256(authorization.encode()).hexdigest()]


class _Body:
    """The body of a request as it comes in, bounded in size and time.

    Where it passes a bound the answer is given here, and the application sees a client that hung up: so the bounds hold
    for every application behind, whatever it makes of an error.
    """

    def __init__(self, receive: Receive, send: Send, limits: Limits, most: int) -> None:
        self._receive = receive
        self._send = send
        self._limits = limits
        self._most = most
        self._read = 0
        self._waited = 0.0
        self._complete = False
        self._answered = False
        self._over = False

    def expect(self, headers: Headers) -> None:
        """Raise `ProblemError` for a body whose headers tell that it will not be taken."""
        if headers.get("content-encoding", "identity") != "identity":
            raise ProblemError(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "encoded", "send the body as it is, without compression"
            )
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._most:
            raise self._too_large()

    async def receive(self) -> Message:
        """The next piece."""
        if self._over:
            return {"type": "http.disconnect"}
        if self._complete:
            return await self._receive()
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._limits.idle):
                message = await self._receive()
            self._waited += time.monotonic() - began
            self._count(message)
        except TimeoutError:
            return await self.refuse(self._too_slow())
        except ProblemError as problem:
            return await self.refuse(problem)
        return message

    def _count(self, message: Message) -> None:
        if message["type"] == "http.disconnect":
            self._over = True
            return
        self._read += len(message.get("body", b""))
        self._complete = not message.get("more_body", False)
        if self._read > self._most:
            raise self._too_large()
        if self._waited > self._limits.idle and self._read < self._waited * self._limits.bytes_per_second:
            raise self._too_slow()

    async def send(self, message: Message) -> None:
        """Pass on the application's answer, unless one was given here or nobody listens."""
        if not self._over:
            self._answered = True
            await self._send(message)

    async def refuse(self, problem: ProblemError) -> Message:
        """Answer with a problem, and close the connection; what the application is told in place of the body."""
        self._over = True
        if not self._answered:
            response = problem.response()
            headers = [*response.raw_headers, (b"connection", b"close")]
            await self._send({"type": "http.response.start", "status": response.status_code, "headers": headers})
            await self._send({"type": "http.response.body", "body": response.body, "more_body": True})
            await self._linger()
            await self._send({"type": "http.response.body", "body": b""})
        return {"type": "http.disconnect"}

    async def _linger(self) -> None:
        """A connection that is closed while the client sends is reset, and the answer may be lost on its way."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._limits.linger):
                while not self._complete:
                    message = await self._receive()
                    self._complete = not message.get("more_body", False)

    def _too_large(self) -> ProblemError:
        detail = f"the body has more than {self._most:,} bytes"
        return ProblemError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", detail)

    def _too_slow(self) -> ProblemError:
        detail = (
            f"the body came too slowly: send at least {self._limits.bytes_per_second:,.0f} bytes a second, "
            f"without a gap of {self._limits.idle:g} s"
        )
        return ProblemError(HTTPStatus.REQUEST_TIMEOUT, "too-slow", detail)
