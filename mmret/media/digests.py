"""Content digests of media, remembered: 27 GB of clips are read once and not before every evaluation."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..errors import RunError
from ..items import NO_CONTENT, Media
from ..paths import cache_folder
from ..progress import bar

Key = tuple[str, int, int | None, int, int]


def digest_all(files: Iterable[Media], cache: Path | None = None, *, show: bool = False) -> None:
    """Make `Media.digest` of all files known: from an earlier run where the file is unchanged, else by reading it.

    A file counts as unchanged while its path, size and time of change are the same.
    """
    memory = cache_folder(cache) / "digests.jsonl"
    files = list(files)
    real = {path: str(path.resolve()) for path in {media.path for media in files}}  # an archive holds many
    keys = {media: key for media in dict.fromkeys(files) if (key := _key(media, real[media.path])) is not None}
    known = _read(memory)
    _learn([media for media, key in keys.items() if key not in known], keys, known, memory, show=show)
    for media in files:
        if media in keys:
            vars(media)["digest"] = known[keys[media]]  # fills the cached property


def _learn(new: Sequence[Media], keys: Mapping[Media, Key], known: dict[Key, str], memory: Path, *, show: bool) -> None:
    if not new:
        return
    try:
        memory.parent.mkdir(parents=True, exist_ok=True)
        with (
            memory.open("ab", buffering=0) as file,  # a line is one write: processes side by side share the file
            ThreadPoolExecutor() as pool,
            bar(len(new), "read media", "file", show=show) as progress,
        ):
            for media, digest in zip(new, pool.map(lambda one: one.digest, new), strict=True):
                known[keys[media]] = digest
                if digest != NO_CONTENT:  # the leading break parts it from a line that a kill left unfinished
                    file.write(f"\n{json.dumps([*keys[media], digest])}\n".encode())
                progress.update()
    except OSError as error:
        raise RunError(
            f"{memory}: digests cannot be kept: {error.strerror}; free some space or name another folder with --cache"
        ) from error


def _key(media: Media, real: str) -> Key | None:
    try:
        state = media.path.stat()
    except OSError:
        return None  # missing: the preflight names it
    return real, media.start, media.length, state.st_size, state.st_mtime_ns


def _read(memory: Path) -> dict[Key, str]:
    known = {}
    for line in memory.read_text().splitlines() if memory.exists() else ():
        try:
            *key, digest = json.loads(line)
        except ValueError:
            continue  # the last line of a run that was killed while writing it
        known[tuple(key)] = digest
    return known
