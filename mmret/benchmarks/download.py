"""Files of the Hub into a data folder: some side by side, each checked, and taken up where it was cut off."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from multiprocessing.pool import ThreadPool
from pathlib import Path
from shutil import copyfile
from threading import Event, Lock

import pyarrow.parquet as pq
from tqdm import tqdm

from ..errors import RunError
from ..progress import bar
from .datafolder import alone, require_room
from .remote import Remote, hub_errors

CHUNK = 1 << 24  # bytes asked for at a time: no more than this comes twice where a connection is cut
_ABREAST = 4  # files at a time

Advance = Callable[[int], None]


def fetch(files: Sequence[Remote], folder: Path, *, tell: Callable[[str], None]) -> None:
    """Fetch the files into `folder`, with progress on stderr.

    What is there already is checked and stays, and a file that was cut off goes on where it stopped, also after a kill.
    Every whole file is checked against the digest that the Hub states. Processes that fetch into one folder wait for
    each other; `tell` takes a line about that.

    Raises `RunError` when there is no room, when the Hub fails for longer than some retries take, and for a file whose
    digest is wrong, which is removed.
    """
    columns = [file for file in files if file.columns is not None]
    whole = [file for file in files if file.columns is None]
    with hub_errors(), alone(folder, tell):
        require_room(folder, bytes_left(whole, folder))
        if columns:
            _each(_columns, columns, folder, bar(len(columns), "fetch columns", "file"))
        if whole:
            _each(_whole, whole, folder, bar(sum(file.size for file in whole), "fetch files", "B"))


def bytes_left(files: Sequence[Remote], folder: Path) -> int:
    """Bytes of the whole files that are not in `folder` yet, judged by sizes."""
    left = 0
    for file in files:
        path, part = folder / file.path, _part(file, folder)
        if file.columns is None and not (path.is_file() and path.stat().st_size == file.size):
            left += max(0, file.size - (part.stat().st_size if part.is_file() else 0))
    return left


def _each(
    fetch_one: Callable[[Remote, Path, Advance], None], files: Sequence[Remote], folder: Path, progress: tqdm[None]
) -> None:
    """Fetch each of the files; the first that fails, or Ctrl-C, ends the others at their next chunk."""
    stopped, lock = Event(), Lock()

    def advance(count: int) -> None:
        if stopped.is_set():
            raise CancelledError
        with lock:
            progress.update(count)

    with progress, ThreadPool(_ABREAST) as pool:  # whose threads, unlike an executor's, do not hold up the end
        try:
            for _ in pool.imap_unordered(lambda file: fetch_one(file, folder, advance), files):
                pass
        finally:
            stopped.set()


def _whole(file: Remote, folder: Path, advance: Advance) -> None:
    from huggingface_hub import try_to_load_from_cache

    path, part = folder / file.path, _part(file, folder)
    if file.is_at(path):
        advance(file.size)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    cached = try_to_load_from_cache(file.repository, file.path, revision=file.revision, repo_type="dataset")
    if isinstance(cached, str) and file.is_at(Path(cached)):
        copyfile(cached, part)
    with part.open("ab") as target:
        start = target.tell()
        advance(start)
        while start < file.size:
            content = _read(file, start, min(start + CHUNK, file.size))
            advance(len(content))
            target.write(content)
            start += len(content)
    if not file.is_at(part):
        part.unlink()
        raise RunError(f"{path}: what came has another digest than the {file.digest[:12]}… stated; fetch it again")
    part.replace(path)


def _part(file: Remote, folder: Path) -> Path:
    """Where a file lies until it is whole; by its digest, so that no other version goes on with it."""
    return folder / f"{file.path}.{file.digest[:12]}.part"


def _read(file: Remote, start: int, stop: int) -> bytes:
    """Some bytes of a file. The library tries again when a connection fails or the Hub is overloaded (429, 5xx)."""
    from huggingface_hub import constants, hf_hub_url
    from huggingface_hub.utils import (  # type: ignore[attr-defined]  # documented under this name
        build_hf_headers,
        hf_raise_for_status,
        http_backoff,
    )

    url = hf_hub_url(file.repository, file.path, repo_type="dataset", revision=file.revision)
    # A server that compresses a file may send all of it instead.
    headers = build_hf_headers() | {"Range": f"bytes={start}-{stop - 1}", "Accept-Encoding": "identity"}
    answer = http_backoff("GET", url, headers=headers, timeout=constants.HF_HUB_DOWNLOAD_TIMEOUT)
    hf_raise_for_status(answer)
    if len(answer.content) != stop - start:
        raise RunError(
            f"{url}: {len(answer.content)} bytes came where {stop - start} were asked for; name another HF_ENDPOINT"
        )
    return answer.content


def _columns(file: Remote, folder: Path, advance: Advance) -> None:
    """Some columns of a remote Parquet file: the Hub sends the bytes of these and not the videos beside them."""
    from huggingface_hub import HfFileSystem

    path = folder / file.path
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.part")
        remote = f"datasets/{file.repository}@{file.revision}/{file.path}"
        # Small reads: the wanted columns lie between videos of megabytes.
        with HfFileSystem().open(remote, "rb", block_size=1 << 18) as source, pq.ParquetFile(source) as parquet:
            names = [name for name in file.columns or () if name in parquet.schema_arrow.names]
            table = parquet.read(columns=names)
        pq.write_table(table, part)
        part.replace(path)
    advance(1)
