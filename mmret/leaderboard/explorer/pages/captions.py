"""What captioners wrote of sounds for the models of a study: tags and captions, as those models read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from ....encoders.captioners import kept_captions
from ....items import Media
from ....media import digest_all
from ....paths import cache_folder
from ..answers import Study


@dataclass(frozen=True)
class Told:
    """A caption: who wrote it, and the words."""

    captioner: str
    words: str


@dataclass(frozen=True)
class Captions:
    """Captions by the digest of the file."""

    by_digest: Mapping[str, list[Told]] = field(default_factory=dict)

    @classmethod
    def of(cls, study: Study, cache: Path | None = None) -> Self:
        """Those that the models of a study read, as far as mmret's cache folder still has them."""
        writers: list[Mapping[str, Any]] = []
        for system in study.systems:
            identity = system.result.record["settings"]["resolved"]["preprocessing"].get("written_by")
            if identity and identity["name"] != "none" and identity not in writers:
                writers.append(identity)
        found: dict[str, list[Told]] = {}
        for identity in writers:
            for digest, caption in kept_captions(cache_folder(cache), identity).items():
                words = "silence" if caption.silent else caption.text
                found.setdefault(digest, []).append(Told(identity["name"], words))
        if found:
            items = (*study.benchmark.documents, *study.benchmark.queries)
            digest_all({item.audio for item in items if item.audio is not None}, cache)
        return cls(found)

    def told(self, media: Media | None) -> list[Told]:
        """What was written of a file's sound."""
        return [] if media is None or not self.by_digest else self.by_digest.get(media.digest, [])
