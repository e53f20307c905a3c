"""The limits, around a small application of which only the body matters, on a real server."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mmret.leaderboard.web.limits import Buckets, Limited, Limits

LIMITS = Limits(body_bytes=1000, upload_bytes=100_000, idle=0.4, bytes_per_second=1000, linger=0.5)
UPLOAD = "/api/v1/benchmarks/some/submissions"


class Echo:
    """Answers with the number of bytes of the body, and remembers what became of each request."""

    def __init__(self) -> None:
        self.fates: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await Request(scope, receive).body()
        except Exception as error:
            self.fates.append(type(error).__name__)
            raise
        self.fates.append("read")
        await PlainTextResponse(str(len(body)))(scope, receive, send)

    def saw(self) -> list[str]:
        """The fates, once there is one: the client may have its answer before."""
        end = time.monotonic() + 5
        while not self.fates and time.monotonic() < end:
            time.sleep(0.02)
        return self.fates


Server = Callable[[ASGIApp], str]


@pytest.fixture
def serving() -> Iterator[Server]:
    with contextlib.ExitStack() as stack:

        def serve(app: ASGIApp) -> str:
            listener = socket.create_server(("127.0.0.1", 0))
            server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off", ws="none"))
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
            thread.start()

            def stop() -> None:
                server.should_exit = True
                thread.join()

            stack.callback(stop)
            return f"http://127.0.0.1:{listener.getsockname()[1]}"

        yield serve


def pieces(count: int, size: int = 1000, pause: float = 0.0) -> Iterator[bytes]:
    for _ in range(count):
        time.sleep(pause)
        yield b"x" * size


def test_bodies_within_the_limits_pass(serving: Server) -> None:
    url = serving(Limited(Echo(), LIMITS))
    assert httpx.post(f"{url}/api/v1/other", content=b"x" * 1000).text == "1000"
    assert httpx.post(url + UPLOAD, content=pieces(100)).text == "100000"
    assert httpx.get(f"{url}/api/v1/benchmarks").text == "0"


@pytest.mark.parametrize("told", [True, False], ids=["by its headers", "while it streams"])
@pytest.mark.parametrize(("path", "count"), [(UPLOAD, 101), (UPLOAD, 30_000), ("/api/v1/other", 2)])
def test_a_large_body_is_refused(serving: Server, path: str, count: int, told: bool) -> None:
    echo = Echo()
    url = serving(Limited(echo, LIMITS))
    headers = {"Content-Length": str(1000 * count)} if told else {}
    answer = httpx.post(url + path, content=pieces(count), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")
    if told:
        assert echo.fates == []
    else:
        assert echo.saw() == ["ClientDisconnect"]
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(("count", "size", "pause"), [(3, 1000, 0.9), (40, 10, 0.05)], ids=["a gap", "a trickle"])
def test_a_slow_body_is_given_up(serving: Server, count: int, size: int, pause: float) -> None:
    echo = Echo()
    began = time.monotonic()
    answer = httpx.post(serving(Limited(echo, LIMITS)) + UPLOAD, content=pieces(count, size, pause))
    assert (answer.status_code, answer.json()["code"]) == (408, "too-slow")
    assert echo.saw() == ["ClientDisconnect"]
    assert time.monotonic() - began < 4


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, identity"])
def test_a_packed_body_is_refused_unread(serving: Server, encoding: str) -> None:
    echo = Echo()
    url = serving(Limited(echo, LIMITS))
    answer = httpx.post(url + UPLOAD, content=b"\x1f\x8b", headers={"Content-Encoding": encoding})
    assert (answer.status_code, answer.json()["code"]) == (415, "encoded")
    assert echo.fates == []


def test_a_client_that_leaves_is_no_failure(serving: Server) -> None:
    echo = Echo()
    host, port = serving(Limited(echo, LIMITS)).removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as client:
        client.sendall(f"POST {UPLOAD} HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nxxx".encode())
        time.sleep(0.1)
    assert echo.saw() == ["ClientDisconnect"]


def test_too_many_requests_are_told_when_to_come_again(serving: Server) -> None:
    url = serving(Limited(Echo(), replace(LIMITS, requests=5, uploads=2)))
    assert [httpx.get(f"{url}/assets/x").status_code for _ in range(8)] == [200] * 8
    assert [httpx.post(url + UPLOAD).status_code for _ in range(2)] == [200] * 2
    refused = httpx.post(url + UPLOAD)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 30
    answers = [httpx.get(f"{url}/api/v1/benchmarks").status_code for _ in range(4)]
    assert answers == [200, 200, 429, 429]


def test_a_token_counts_wherever_it_comes_from(serving: Server) -> None:
    sent: list[int] = []

    async def from_anywhere(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        sent.append(1)
        await limited(scope | {"client": (f"10.0.0.{len(sent)}", 1)}, receive, send)

    limited = Limited(Echo(), replace(LIMITS, requests=3))
    url = serving(from_anywhere)
    mine = [httpx.get(f"{url}/api/v1/x", headers={"Authorization": "Bearer a"}).status_code for _ in range(4)]
    others = [httpx.get(f"{url}/api/v1/x", headers={"Authorization": f"Bearer {i}"}).status_code for i in range(4)]
    assert (mine, others) == ([200, 200, 200, 429], [200] * 4)


def test_addresses_of_one_network_of_ipv6_are_one_client(serving: Server) -> None:
    hosts = iter(["2001:db8::1", "2001:db8::2", "2001:db8:0:1::1", "::ffff:192.0.2.1", "::ffff:192.0.2.2", "192.0.2.1"])

    async def from_there(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        await limited(scope | {"client": (next(hosts), 1)}, receive, send)

    limited = Limited(Echo(), replace(LIMITS, requests=1))
    url = serving(from_there)
    assert [httpx.get(f"{url}/x").status_code for _ in range(6)] == [200, 429, 200, 200, 200, 429]


def test_no_more_uploads_at_once_than_allowed(serving: Server) -> None:
    received, leave = threading.Event(), threading.Event()
    echo = Echo()

    async def watched(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        async def noted() -> Message:
            message = await receive()
            received.set()
            return message

        await echo(scope, noted, send)

    def held() -> Iterator[bytes]:
        yield b"x"
        assert leave.wait(60)
        yield b"x"

    url = serving(Limited(watched, replace(LIMITS, uploads_at_once=1, idle=60)))
    answers: list[int] = []
    first = threading.Thread(target=lambda: answers.append(httpx.post(url + UPLOAD, content=held()).status_code))
    first.start()
    assert received.wait(60)
    second = httpx.post(url + UPLOAD, content=b"x")
    leave.set()
    first.join()
    assert (second.status_code, second.json()["code"], answers) == (503, "busy", [200])
    assert second.headers["retry-after"] == "5"
    assert httpx.post(url + UPLOAD, content=b"x").status_code == 200


def test_a_bucket_fills_again_and_forgets_the_oldest() -> None:
    clock = 0.0
    buckets = Buckets(6, keys=2, clock=lambda: clock)
    assert [buckets.take("a") for _ in range(7)] == [0, 0, 0, 0, 0, 0, 10]
    clock = 10.0
    assert [buckets.take("a"), buckets.take("a")] == [0, 10]
    buckets.take("b")
    buckets.take("c")
    assert buckets.take("a") == 0, "forgotten: memory is bounded"
