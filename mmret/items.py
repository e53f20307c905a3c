"""What all rooms speak of: a media file, and an item made of text and media."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Literal, cast

from .errors import InputError

Modality = Literal["text", "image", "video", "audio"]
MODALITIES: tuple[Modality, ...] = ("text", "image", "video", "audio")
Side = Literal["query", "document"]
NO_CONTENT = hashlib.sha256().hexdigest()  # digest of an empty or unreadable file


@dataclass(frozen=True)
class Media:
    """A file on disk, or a stretch of one (a clip inside a tar archive).

    >>> import mmret
    >>> mmret.Item("a", video=mmret.Media("clips/a.mp4")).video.suffix
    '.mp4'

    Parameters
    ----------
    path: the file that holds the bytes.
    start, length: the stretch in bytes; `length=None` reads to the end of the file.
    member: the name of that stretch inside an archive.
    """

    path: Path
    start: int = 0
    length: int | None = None
    member: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.path, Path):
            object.__setattr__(self, "path", Path(self.path))

    def __str__(self) -> str:
        return f"{self.path}/{self.member}" if self.member else str(self.path)

    @property
    def whole(self) -> bool:
        """Whether it is all of the file."""
        return self.length is None and self.start == 0

    @property
    def suffix(self) -> str:
        """The ending of the file's name, in lower case: ".mp4"."""
        return Path(self.member or self.path).suffix.lower()

    def open(self) -> BinaryIO:
        """A seekable binary stream over exactly these bytes. Raises `OSError` when the file cannot be read."""
        if self.whole:
            return self.path.open("rb")
        with self.path.open("rb") as file:
            file.seek(self.start)
            return io.BytesIO(file.read(-1 if self.length is None else self.length))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the bytes, in hex; `NO_CONTENT` when the file cannot be read (the preflight names such files)."""
        try:
            with self.open() as file:
                return hashlib.file_digest(cast(io.BytesIO, file), "sha256").hexdigest()
        except OSError:
            return NO_CONTENT


@dataclass(frozen=True)
class Item:
    """One query or one document: an id and any of text, image, video and audio.

    The sound track of a video is `audio` set to that same video. Media are paths, opened late by whoever reads them.

    >>> import mmret
    >>> clip = mmret.Media("clips/a.mp4")
    >>> sorted(mmret.Item("a", text="the same street at night", video=clip, audio=clip).modalities)
    ['audio', 'text', 'video']
    """

    id: str
    text: str | None = None
    image: Media | None = None
    video: Media | None = None
    audio: Media | None = None

    def __post_init__(self) -> None:
        for one in (self.image, self.video, self.audio):
            if one is not None and not isinstance(one, Media):
                raise InputError(f"item {self.id}: give media as mmret.Media(path), not {one!r}")

    @property
    def modalities(self) -> frozenset[Modality]:
        """The modalities this item has."""
        return frozenset(m for m in MODALITIES if getattr(self, m) is not None)

    @property
    def media(self) -> tuple[Media, ...]:
        """The distinct media files of this item, in the order image, video, audio."""
        return tuple(dict.fromkeys(m for m in (self.image, self.video, self.audio) if m is not None))

    def keep(self, modalities: Iterable[Modality]) -> Item:
        """This item with only the named modalities left."""
        kept = {modality: getattr(self, modality) for modality in modalities}
        return Item(self.id, **kept)

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) over what the item holds, bytes of its media included, and not over its id or its paths."""
        parts = []
        for modality in MODALITIES:
            value = getattr(self, modality)
            if value is not None:
                parts.append(f"{modality}:{value.digest if isinstance(value, Media) else text_digest(value)}")
        return text_digest("\n".join(parts))


def text_digest(text: str) -> str:
    """SHA-256 of a text in UTF-8, in hex; half a character, which a damaged text may hold, counts as it is."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
