"""Captioners that hear nothing: `none`, which says nothing, and `file`, whose captions are given."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...errors import InputError, first_ten
from ...items import Media, text_digest
from .base import Sound


class NoCaptions:
    """An empty caption for every sound: the model without captions."""

    name, revision, rate, family, parameters = "none", "1", 0, "", 0
    settings: Mapping[str, Any] = {}

    def caption(self, sounds: Sequence[Sound]) -> list[str]:
        """Empty texts."""
        return [""] * len(sounds)


class GivenCaptions:
    """Captions from a file, as of people or of an oracle.

    Parameters
    ----------
    path: JSON lines with `id` and `caption`, or CSV with such columns (ending in .csv). An id is the name of a media
        file, with or without its ending or folder, or its SHA-256.
    """

    rate, family, parameters = 0, "", 0
    settings: Mapping[str, Any] = {}

    def __init__(self, path: Path) -> None:
        self.name = f"file:{path.name}"
        try:
            content = path.read_text(encoding="utf-8-sig")  # spreadsheets write a mark in front
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: captions cannot be read: {error}") from error
        self.revision = text_digest(content)[:16]
        self._path = path
        self._captions: dict[str, str] = {}
        for line, row in _rows(content, path):
            key, caption = row.get("id"), row.get("caption")
            if not isinstance(key, str) or not isinstance(caption, str):
                raise InputError(f"{path}, line {line}: needs the texts id and caption")
            if self._captions.setdefault(key, caption) != caption:
                raise InputError(f"{path}, line {line}: a second caption for {key!r}")

    def caption(self, sounds: Sequence[Sound]) -> list[str]:
        """The captions given. Raises `InputError` where one is missing."""
        found = [self._find(sound.media) for sound in sounds]
        missing = [str(sound.media) for sound, one in zip(sounds, found, strict=True) if one is None]
        if missing:
            raise InputError(f"{self._path}: no caption for {first_ten(missing)}")
        return [one or "" for one in found]

    def _find(self, media: Media) -> str | None:
        file = Path(media.member or media.path)
        names = (str(file), file.name, file.stem)
        found = next((self._captions[name] for name in names if name in self._captions), None)
        return self._captions.get(media.digest) if found is None else found


def _rows(content: str, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line numbers and rows."""
    lines = io.StringIO(content)  # splitlines would also break at U+2028 inside a caption
    if path.suffix.lower() == ".csv":
        reader = csv.DictReader(lines)
        yield from ((reader.line_num, row) for row in reader)
        return
    for number, text in enumerate(lines, start=1):
        if text.strip():
            try:
                row = json.loads(text)
            except json.JSONDecodeError as error:
                raise InputError(f"{path}, line {number}: not JSON: {error.msg}") from error
            if not isinstance(row, dict):
                raise InputError(f"{path}, line {number}: not an object with id and caption")
            yield number, row
