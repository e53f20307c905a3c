"""Clips inside tar archives, read where they lie: one pass over the headers, remembered, then no scan and no copy."""

from __future__ import annotations

import json
import tarfile
from contextlib import suppress
from pathlib import Path

from ..errors import InputError, RunError
from ..items import Media, text_digest
from ..paths import cache_folder
from ..whole import write_whole

_VERSION = 1


def members(archive: Path, cache: Path | None = None) -> dict[str, Media]:
    """The files in an uncompressed tar archive, path inside it → stretch of the archive.

    The index is kept in `cache` and made anew when the archive changes. Of two members of one name the last counts, as
    when the archive is unpacked. Raises `InputError` when the file is no such archive, or ends before its last member.
    """
    try:
        state, path = archive.stat(), str(archive.resolve())
        stamp = {"version": _VERSION, "path": path, "size": state.st_size, "changed": state.st_mtime_ns}
        index = cache_folder(cache) / "archives" / f"{text_digest(path)}.json"
        rows = _remembered(index, stamp)
        if rows is None:
            rows = _scan(archive)
            _remember(index, stamp, rows)
    except OSError as error:
        raise InputError(f"{archive}: the archive cannot be read: {error.strerror or error}") from None
    return {name: Media(archive, start, length, name) for name, start, length in rows}


def _scan(archive: Path) -> list[tuple[str, int, int]]:
    try:
        with tarfile.open(archive, "r:") as tar:
            found = {m.name.removeprefix("./"): (m.offset_data, m.size) for m in tar if m.isfile()}
    except tarfile.ReadError as error:
        raise InputError(f"{archive}: not an uncompressed tar archive, or cut short: {error}; fetch it again") from None
    return [(name, start, length) for name, (start, length) in found.items()]


def _remembered(index: Path, stamp: dict[str, object]) -> list[tuple[str, int, int]] | None:
    try:
        kept = json.loads(index.read_text())
    except (OSError, ValueError):
        return None  # not there, or half written by a run that was killed
    return [tuple(row) for row in kept["members"]] if kept.get("archive") == stamp else None


def _remember(index: Path, stamp: dict[str, object], rows: list[tuple[str, int, int]]) -> None:
    with suppress(RunError):  # an index that cannot be kept costs the next run a second; it stops nobody
        write_whole(index, json.dumps({"archive": stamp, "members": rows}).encode())
