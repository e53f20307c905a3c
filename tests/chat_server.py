"""A server at the wire that speaks chat completions as it is told to: well, badly, late, or not to the end."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "sk-test-0123456789"
CUT = object()
"""Said in place of an answer: the connection ends in the middle of one."""


def answer(text: object, reason: str = "stop", *, usage: tuple[int, int] | None = None) -> dict[str, Any]:
    said: dict[str, Any] = {"choices": [{"message": {"content": text}, "finish_reason": reason}]}
    if usage is not None:
        said["usage"] = {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}
    return said


class ChatServer(ThreadingHTTPServer):
    """Answers with what stands in `next` first (status, headers, what is said), then with `reply` of the request.

    `bodies` and `keys` are what was asked, `delay` the seconds that each answer takes, `busiest` the largest number of
    requests at a time, `busy` the seconds that requests took together.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, reply: Callable[[dict[str, Any]], object]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.reply = reply
        self.next: list[tuple[int, dict[str, str], Any]] = []
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.delay = 0.0
        self.now, self.busiest, self.busy = 0, 0, 0.0
        self.lock = threading.Lock()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class _Handler(BaseHTTPRequestHandler):
    server: ChatServer

    def log_message(self, *_: object) -> None:
        """Tests print nothing."""

    def do_POST(self) -> None:
        server, started = self.server, time.perf_counter()
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with server.lock:
            server.bodies.append(body)
            server.keys.append(self.headers.get("Authorization"))
            server.now += 1
            server.busiest = max(server.busiest, server.now)
            told = server.next.pop(0) if server.next else None
        time.sleep(server.delay)
        status, headers, said = told or (200, {}, server.reply(body))
        with server.lock:
            server.now -= 1
            server.busy += time.perf_counter() - started
        self._say(status, headers, said)

    def _say(self, status: int, headers: dict[str, str], said: Any) -> None:
        data = said if isinstance(said, bytes) else b"" if said is CUT else json.dumps(said).encode()
        length = len(data) + 100 * (said is CUT)
        self.send_response(status)
        for name, value in {**headers, "Content-Type": "application/json", "Content-Length": str(length)}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def handle(self) -> None:
        try:
            super().handle()
        except (BrokenPipeError, ConnectionResetError):
            """Whoever asked has gone."""


@contextmanager
def chat_server(reply: Callable[[dict[str, Any]], object]) -> Iterator[ChatServer]:
    """A server that runs until the block ends."""
    made = ChatServer(reply)
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.shutdown()
        made.server_close()
        thread.join()
