"""Serve an application from a command until Ctrl-C."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..errors import RunError

if TYPE_CHECKING:
    from fastapi import FastAPI

LOCAL = ["localhost", "127.0.0.1", "[::1]"]
"""Names by which a server that only this machine reaches may be called: a page elsewhere cannot give itself one of
them and then read."""


def serve(make: Callable[[Sequence[str]], FastAPI], host: str, port: int, told: Callable[[str], None]) -> None:
    """Serve an application until Ctrl-C.

    Parameters
    ----------
    make: gives the application that answers to these names: `LOCAL`, or `["*"]` at an address that others reach.
    port: 0 takes a free one.
    told: is given the address before the first request is served.

    Raises `RunError` when the address cannot be had.
    """
    import uvicorn

    with listening(host, port) as listener, contextlib.suppress(KeyboardInterrupt):
        app = make(LOCAL if is_local(host) else ["*"])
        told(f"http://{_named(host)}:{listener.getsockname()[1]}/")
        uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none")).run(sockets=[listener])


def is_local(host: str) -> bool:
    """Whether only this machine reaches a server that listens at this address."""
    return _named(host) in LOCAL


def _named(host: str) -> str:
    """An address as it stands in a URL."""
    return f"[{host}]" if ":" in host else host


def listening(host: str, port: int, backlog: int | None = None) -> socket.socket:
    """A socket at that address, of IPv4 or IPv6. Raises `RunError` when it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=backlog)
    except OSError as error:
        raise RunError(f"{host}:{port}: {error.strerror or error}; name another with --host or --port") from error
