"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import RunError


@contextmanager
def whole(path: Path, trouble: str = "cannot be written", way_out: str = "") -> Iterator[Path]:
    """A `with` block that writes a file: into a place beside it, which becomes the file when the block has ended.

    A block that fails leaves what was there before. Processes and threads may write one file at a time: one of them
    is last.

    Parameters
    ----------
    path: the file; its folder is made.
    trouble, way_out: what is told of an `OSError` beside its own words.

    Raises `RunError` in place of an `OSError`.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        part.replace(path)
    except OSError as error:
        raise RunError(f"{path}: {trouble}: {error.strerror or error}{way_out and f'; {way_out}'}") from error
    finally:
        with suppress(OSError):  # gone, or never there
            part.unlink()


def write_whole(path: Path, content: bytes, trouble: str = "cannot be written", way_out: str = "") -> None:
    """Write a file in a `whole` block."""
    with whole(path, trouble, way_out) as part:
        part.write_bytes(content)
