"""Queries and documents as cards: their media, what was written of their sound, and how they fared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from ....items import Item, Media
from ..facts import Hit
from .captions import Told
from .scene import Scene


@dataclass(frozen=True)
class Card:
    """A query or document as it is shown.

    Parameters
    ----------
    document: its position; -1 for a query.
    image, video, audio: where its media are served; "" for none.
    told: captions of its sound.
    right, source: whether the labels call it right, and whether the query was made from it.
    hit: its place in an answer; None outside of one.
    elsewhere: its rank in the answer that is compared; "" where there is none.
    """

    item: Item
    document: int
    image: str
    video: str
    audio: str
    told: list[Told]
    right: bool = False
    source: bool = False
    hit: Hit | None = None
    elsewhere: str = ""

    @classmethod
    def of_query(cls, scene: Scene, query: int) -> Self:
        """That of a query."""
        return cls._of(scene, scene.shown.queries[query], -1)

    @classmethod
    def of_document(cls, scene: Scene, document: int, *, right: bool = False, source: bool = False) -> Self:
        """That of a document outside of any answer."""
        return cls._of(scene, scene.shown.documents[document], document, right=right, source=source)

    @classmethod
    def of_hit(cls, scene: Scene, hit: Hit, elsewhere: str = "") -> Self:
        """That of a document in an answer."""
        item = scene.shown.documents[hit.document]
        return cls._of(scene, item, hit.document, hit.right, hit.source, hit, elsewhere)

    @classmethod
    def _of(
        cls,
        scene: Scene,
        item: Item,
        document: int,
        right: bool = False,
        source: bool = False,
        hit: Hit | None = None,
        elsewhere: str = "",
    ) -> Self:
        def link(media: Media | None) -> str:
            return "" if media is None else scene.shelf.url(media)

        links = link(item.image), link(item.video), link(item.audio)
        return cls(item, document, *links, scene.captions.told(item.audio), right, source, hit, elsewhere)
