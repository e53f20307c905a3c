"""Where the clips lie: in tars as uploaded, or unpacked."""

from __future__ import annotations

from pathlib import Path

from ...items import Media
from ...media import members

_ENDINGS = {".mp4", ".mkv", ".webm", ".mov", ".avi"}


def find_clips(folder: Path, cache: Path | None = None) -> dict[str, Media]:
    """All clips in a folder by file name, whatever archive or folder they lie in; unpacked files before archives.

    Raises `InputError` for an archive that cannot be read.
    """
    found: dict[str, Media] = {}
    files = sorted(path for path in folder.absolute().rglob("*") if path.suffix.lower() in {".tar", *_ENDINGS})
    for path in files:
        if path.suffix.lower() != ".tar":
            found.setdefault(path.name, Media(path))
    for path in files:
        if path.suffix.lower() == ".tar" and path.is_file():  # a tar unpacked into a folder of its name is found above
            for name, media in members(path, cache).items():
                found.setdefault(name.rpartition("/")[2], media)
    return found
