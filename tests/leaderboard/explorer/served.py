"""Applications served for real, on a port of their own."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI


@contextmanager
def served(app: FastAPI | Callable[[], FastAPI], port: int = 0) -> Iterator[str]:
    """Serve an application, or what makes one inside the server's event loop, in a thread; yields "127.0.0.1:port"."""
    makes = not isinstance(app, FastAPI)
    settings = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", ws="none", factory=makes)
    server = uvicorn.Server(settings)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield f"127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def ask(address: str, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """One request, with the path exactly as given: status, headers (names in lower case), body."""
    connection = http.client.HTTPConnection(address, timeout=30)
    try:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()
