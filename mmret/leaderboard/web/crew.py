"""The scoring processes of a server: started with it, restarted when they die, ended with it."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
import threading
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Self

PAUSE = 1.0  # seconds before a dead process is replaced, so that one that cannot start does not take a core
FAREWELL = 10.0  # seconds to put down the work before a process is killed

_log = logging.getLogger("mmret.web.crew")


class Crew:
    """A number of scoring processes, for a `with` block.

    Parameters
    ----------
    folder, database_url: of the board, as for `Board.open`.
    count: processes.
    """

    def __init__(self, folder: Path, database_url: str | None, count: int) -> None:
        self._board = (folder, database_url)
        self._members = [self._hire() for _ in range(count)]
        self._leaving = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="crew", daemon=True)

    def __enter__(self) -> Self:
        for member in self._members:
            member.start()
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._leaving.set()
        self._watcher.join()
        for member in self._members:
            member.terminate()
        for member in self._members:
            member.join(FAREWELL)
            member.kill()

    def alive(self) -> int:
        """How many processes live."""
        return sum(member.is_alive() for member in self._members)

    def _hire(self) -> SpawnProcess:
        # A fresh interpreter: what is forked from a process with threads may hang.
        return multiprocessing.get_context("spawn").Process(target=_score, args=self._board, name="scorer")

    def _watch(self) -> None:
        while not self._leaving.is_set():
            wait([member.sentinel for member in self._members], PAUSE)
            for place, member in enumerate(self._members):
                if member.is_alive() or self._leaving.wait(PAUSE):
                    continue
                _log.error("a scoring process died and is replaced", extra={"fields": {"exit": member.exitcode}})
                self._members[place] = self._hire()
                self._members[place].start()


def _score(folder: Path, database_url: str | None) -> None:
    """Work on the queue until told to end, or until the server is no more."""
    from ..board import Board
    from ..board.worker import run
    from .observe import log_as_json

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes of a terminal; the server ends this one
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # in order, and what is not recorded stays in the queue
    threading.Thread(target=_follow_server, daemon=True).start()
    log_as_json()
    try:
        with Board.open(folder, database_url) as board:
            run(board)
    except Exception:  # told as all that is logged; the server starts another
        _log.exception("a scoring process cannot go on")
        sys.exit(1)


def _follow_server() -> None:
    server = multiprocessing.parent_process()
    assert server is not None
    wait([server.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
