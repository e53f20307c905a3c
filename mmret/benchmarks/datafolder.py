"""A data folder while files are brought into it: one process at a time, and room for all of them."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import InputError, RunError


@contextmanager
def alone(folder: Path, tell: Callable[[str], None]) -> Iterator[None]:
    """Make the folder, and wait until no other process is in such a block with it; `tell` takes a line about that.

    Raises `InputError` when the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / ".lock").open("ab")
    except OSError as error:
        raise InputError(f"{folder}: cannot be written: {error.strerror}") from error
    with file as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell(f"{folder}: another process brings files into this folder; waiting until it has ended")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield  # freed with the file, also by a kill


def require_room(folder: Path, size: int) -> None:
    """Raise `RunError` where the disk of a folder has less than `size` bytes free."""
    free = shutil.disk_usage(folder).free
    if size > free:
        raise RunError(
            f"{folder}: {size / 1e6:,.0f} MB are needed and {free / 1e6:,.0f} MB are free; name another --data"
        )
