"""Pictures through a pool of engines: one engine with one thread a process, and what is known is not read again."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from ...engines import Executor, as_done, open_executor
from ...errors import RunError
from ...media import Fault
from ...paths import cache_folder
from ...progress import bar
from .base import Engine, Page
from .engines import create_engine
from .store import PageStore

TIME_LIMIT = 600.0  # seconds; a table of a thousand rows takes minutes
AHEAD = 3  # pictures that wait for each process


@dataclass(frozen=True)
class Reading:
    """What became of one picture.

    Parameters
    ----------
    path: the picture's file.
    sha256: digest of its bytes; empty where it cannot be read.
    page: what stands in it; None where that failed.
    seconds: that reading it took, when it was read; the start of the engine not counted.
    known: whether it was read in an earlier run.
    fault: why it failed; empty where it did not.
    """

    path: Path
    sha256: str
    page: Page | None
    seconds: float = 0.0
    known: bool = False
    fault: str = ""


def read_pictures(
    paths: Iterable[Path],
    engine: str = "rapidocr",
    *,
    workers: int | None = None,
    cache: Path | None = None,
    time_limit: float = TIME_LIMIT,
    ray: str | None = None,
    show: bool = False,
) -> Iterator[Reading]:
    """What stands in each picture, in the order of `paths`, once all are read.

    Each page is kept as soon as it is read: a run that was killed goes on where it stood. A picture that is damaged,
    crashes its process or takes too long costs itself only, and is tried again by the next run.

    Parameters
    ----------
    paths: pictures; those of equal content are read once.
    engine: "rapidocr", "tesseract[:LANGUAGES]" or "endpoint:MODEL@ADDRESS".
    workers: processes, one for each core unless given.
    cache: mmret's cache folder; the user's unless given.
    time_limit: seconds that one picture may take.
    ray: address of a Ray cluster to read on, "local" for one that is started here; this machine unless given.
    show: whether progress is shown.

    Raises `InputError` for an engine that is unknown or not installed, `RunError` when pages cannot be kept or the
    engine can read none, as when its server is away.
    """
    store = PageStore(cache_folder(cache), create_engine(engine))
    pictures = [(path, *_digest(path)) for path in paths]
    todo = {digest: path for path, digest, _ in pictures if digest and digest not in store}
    executor = open_executor(workers, time_limit, "reader", ray)
    faults = _read_missing(todo, engine, store, executor, show=show) if todo else {}
    for path, digest, fault in pictures:
        if fault or digest in faults:
            yield Reading(path, digest, None, fault=fault or faults[digest])
        else:
            row = store[digest]
            yield Reading(path, digest, Page.parse(row), row["seconds"], known=digest not in todo)


def _digest(path: Path) -> tuple[str, str]:
    """SHA-256 of a file, in hex, and why there is none."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest(), ""
    except OSError as error:
        return "", error.strerror or str(error)


def _read_missing(
    todo: Mapping[str, Path],
    engine: str,
    store: PageStore,
    executor: AbstractContextManager[Executor],
    *,
    show: bool,
) -> dict[str, str]:
    """Read pictures, keep their pages, and say why some failed, by digest."""
    faults: dict[str, str] = {}
    with executor as pool, bar(len(todo), f"OCR by {engine}", "picture", show=show) as progress:
        for some in as_done(todo.items(), partial(_read, engine), pool, AHEAD):
            for (digest, _), outcome in some:
                if isinstance(outcome, RunError):
                    raise RunError(f"{outcome}; pages read before are kept")
                if isinstance(outcome, Fault):
                    faults[digest] = outcome.reason
                else:
                    store.add(digest, outcome)
                progress.update()
    return faults


def _read(engine: str, picture: tuple[str, Path]) -> dict[str, Any] | RunError:
    """The page of a picture, digest and path, as plain values, in a process; or the error that ends the run."""
    _, path = picture
    reader = _loaded(engine)
    start = time.perf_counter()
    try:
        page = reader.read(path)
    except RunError as error:
        return error  # raised, it would be a fault of this picture
    return {**page.describe(), "seconds": round(time.perf_counter() - start, 3)}


@lru_cache(1)
def _loaded(engine: str) -> Engine:
    made = create_engine(engine)
    made.load()
    return made
