"""Which pictures are to be read: a folder of them, a list, or the tables of a benchmark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ...errors import InputError

if TYPE_CHECKING:
    from ...benchmarks.rows import Row

LISTS = ("corpus.jsonl", "manifest.jsonl")
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff")


class Source(NamedTuple):
    """A picture and the id of what it shows."""

    id: str
    path: Path


def pictures_of(given: Path) -> list[Source]:
    """The pictures that `given` means, each id once.

    A file of JSON lines, or a folder with `corpus.jsonl` or with the `manifest.jsonl` of `mmret render`: the `image` or
    `file` of each row, a path relative to the list, by its `_id` or `id`; rows without one are left out. Another
    folder: all pictures in it and below, by their relative paths.

    Raises `InputError` for anything else, for a row without an id, and where there is no picture.
    """
    if not given.exists():
        raise InputError(f"{given}: no such file or folder")
    lists = [given / name for name in LISTS] if given.is_dir() else [given]
    listed = next((path for path in lists if path.exists()), None)
    if listed is not None:
        found = list(_listed(listed))
    else:
        files = sorted(path for path in given.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
        found = [Source(path.relative_to(given).as_posix(), path) for path in files]
    if not found:
        raise InputError(f"{given}: no pictures; give a folder of them, a list as of mmret render, or corpus.jsonl")
    return found


def _listed(path: Path) -> Iterator[Source]:
    from ...benchmarks.rows import read_rows

    if path.suffix != ".jsonl":
        raise InputError(f"{path}: neither a folder nor JSON lines with id and image")
    seen = set()
    for row in read_rows(path):
        name, image = row_id(row), row.fields.get("image", row.fields.get("file"))
        if name in seen:
            raise InputError(f"{row.where}: a second row of id {name!r}")
        seen.add(name)
        if isinstance(image, str) and image:
            yield Source(name, path.parent / image)


def row_id(row: Row) -> str:
    """A row's `_id` or `id`. Raises `InputError` where it has none."""
    name = row.fields.get("_id", row.fields.get("id"))
    if not isinstance(name, str) or not name:
        raise InputError(f"{row.where}: no text as _id or id")
    return name
