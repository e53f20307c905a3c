"""Files named by their content, which no kill leaves half written: `ab/cdef…` is the one of SHA-256 `abcdef…`."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import tempfile
import time
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import BadZipFile

from ...errors import RunError

UNFINISHED = 3600  # seconds since its last write after which nobody is writing a staged file any more
DAMAGED = (OSError, EOFError, ValueError, KeyError, BadZipFile, zlib.error)
"""What NumPy raises of a file of arrays that is lost, cut short or another one."""


class Files:
    """A folder of such files.

    What is to be kept is written to a staged file, moved in by `keep`, and named by a row of the database, all while
    `held`; so `sweep`, which waits for those who hold, can tell what a killed process left behind from what is about to
    be named.

    Parameters
    ----------
    folder: where the files stand; nobody but its owner can read them.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._staged = folder / "staged"

    def make(self) -> None:
        """Make the folders."""
        for folder in (self.folder, self._staged):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)

    def is_made(self) -> bool:
        """Whether the folders are there; copies of a board may lack empty ones."""
        return self._staged.is_dir()

    def path(self, digest: str) -> Path:
        """Where the file of that digest stands, or would."""
        if not re.fullmatch("[0-9a-f]{64}", digest):
            raise ValueError(f"{digest!r} is not a SHA-256")
        return self.folder / digest[:2] / digest[2:]

    def checked(self, digest: str) -> Path:
        """The same, once its content was compared with the digest; raises `RunError` when it is gone or damaged."""
        path = self.path(digest)
        try:
            found = digest_of(path)
        except OSError as error:
            raise RunError(f"{path}: {error.strerror or error}; restore it from a backup") from error
        if found != digest:
            raise RunError(f"{path}: its content has changed; restore it from a backup")
        return path

    @contextmanager
    def stage(self) -> Iterator[Path]:
        """A new empty file to write to, which is gone afterwards unless it was kept."""
        handle, name = tempfile.mkstemp(dir=self._staged)
        os.close(handle)
        path = Path(name)
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nothing is swept meanwhile; hold from before `keep` until the row that names the file is committed."""
        with self._lock(fcntl.LOCK_SH):
            yield

    def keep(self, path: Path, digest: str) -> None:
        """Move a file of that digest in; once this returns it survives a power cut.

        `path` must be on the disk of the folder, as a staged file is. Raises `RunError` when the file cannot be moved,
        or reads otherwise once it is there.
        """
        target = self.path(digest)
        try:
            target.parent.mkdir(mode=0o700, exist_ok=True)
            _flush(path)
            path.replace(target)
            _flush(target.parent)
            _flush(self.folder)
        except OSError as error:
            raise RunError(f"{target}: the file cannot be kept: {error.strerror or error}") from error
        self.checked(digest)

    def add(self, write: Callable[[Path], None]) -> str:
        """Keep what `write` puts into a staged file; its digest."""
        with self.stage() as staged:
            write(staged)
            digest = digest_of(staged)
            self.keep(staged, digest)
            return digest

    def sweep(self, named: Callable[[], Collection[str]]) -> int:
        """Remove what a killed process left behind, and say how many files that were.

        `named` gives the digests that rows name; it is asked once nobody holds the files any more.
        """
        removed = 0
        with self._lock(fcntl.LOCK_EX):
            keep = named()
            for path in self.folder.glob("[0-9a-f][0-9a-f]/*"):
                if path.parent.name + path.name not in keep:
                    path.unlink()
                    removed += 1
        for path in self._staged.iterdir():
            try:
                abandoned = path.stat().st_mtime < time.time() - UNFINISHED
            except FileNotFoundError:  # finished just now
                continue
            if abandoned:
                path.unlink(missing_ok=True)
                removed += 1
        return removed

    @contextmanager
    def _lock(self, kind: int) -> Iterator[None]:
        with (self.folder / ".lock").open("ab") as file:
            fcntl.flock(file, kind)  # freed with the file, also by a kill
            yield


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hex. Raises `OSError` when it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush(path: Path) -> None:
    """Have the disk take what was written to a file or folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
