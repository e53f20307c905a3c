"""Run a board: the web server in this process, the scorers beside it."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ...media import Workers
from ...serving.local import listening
from ..board import Board
from .crew import Crew
from .limits import USUAL, Limits
from .observe import log_as_json

if TYPE_CHECKING:
    from ..explorer.boards import BoardExplorer

CONNECTIONS = 512  # at one time, all clients together; those beyond are answered 503
PAINTERS, TIME_LIMIT = 2, 20.0  # processes that draw small pictures of media, and seconds for one
FAREWELL = 10  # seconds that open requests get when the server ends

_log = logging.getLogger("mmret.web.server")


def run_server(
    folder: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 7860,
    database_url: str | None = None,
    workers: int = 1,
    limits: Limits = USUAL,
    proxies: Sequence[str] = (),
    frames: Sequence[str] = (),
    explore: Mapping[str, str] | None = None,
) -> None:
    """Serve the board in a folder until SIGTERM or Ctrl-C; logs go to stderr as JSON lines.

    Parameters
    ----------
    port: 0 takes a free one, which the log tells.
    workers: scoring processes; 0 where `mmret board worker` runs on its own.
    proxies: addresses of reverse proxies, whose word on a client's address and scheme is taken; nobody else's is.
    frames: origins whose pages may show the board in a frame.
    explore: benchmarks whose media, and what ranked submissions to them answered, are shown to everybody: id → the name
        or folder by which it is loaded, "" for that by which it was added.

    Raises `InputError` where there is no board, or no benchmark that can be shown, and `RunError` when the address
    cannot be had.
    """
    import uvicorn

    with (
        Board.open(folder, database_url) as board,
        listening(host, port, backlog=2048) as listener,
        _explorer(board, explore or {}) as explorer,
    ):
        log_as_json()
        crew = Crew(folder, database_url, workers) if workers else None
        from .app import create_app  # takes seconds, and what can be refused was refused before

        config = uvicorn.Config(
            create_app(board, limits=limits, frames=frames, crew=crew, explorer=explorer),
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(proxies),
            forwarded_allow_ips=list(proxies),
            limit_concurrency=CONNECTIONS,
            timeout_graceful_shutdown=FAREWELL,
            ws="none",
            lifespan="on",
        )
        signal.signal(signal.SIGTERM, lambda *_: None)  # uvicorn raises it once more when it has ended in order
        bound = listener.getsockname()[1]
        _log.info("serving", extra={"fields": {"host": host, "port": bound, "folder": str(folder)}})
        uvicorn.Server(config).run(sockets=[listener])


@contextmanager
def _explorer(board: Board, chosen: Mapping[str, str]) -> Iterator[BoardExplorer | None]:
    if not chosen:
        yield None
        return
    from ..explorer.boards import BoardExplorer, loads_of

    loads = loads_of(board, chosen)
    with Workers(PAINTERS, TIME_LIMIT) as workers:
        yield BoardExplorer(board, loads, workers)
