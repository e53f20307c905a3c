"""Small pictures of a benchmark's media: a frame of a clip, a table made small, a sound drawn."""

from __future__ import annotations

from base64 import b64decode
from functools import lru_cache
from typing import Literal

from fastapi import APIRouter, HTTPException, Response

from ....items import Media
from ....media import Fault, Workers
from ....media.excerpts import Want, excerpt
from ....media.spectrogram import draw_sound
from ....serving.media import PREFIX, TYPES, MediaShelf

Kind = Literal["still", "sound"]
KEPT = 4000  # pictures in memory, of 5 to 40 kB each


class Stills:
    """Draws the pictures in child processes, and keeps the last ones.

    Parameters
    ----------
    shelf: whose media are drawn; each picture stands below the address of its file, "/media/…/still".
    """

    def __init__(self, shelf: MediaShelf, workers: Workers) -> None:
        self._shelf, self._workers = shelf, workers
        self._drawn = lru_cache(maxsize=KEPT)(self._draw)

    def router(self) -> APIRouter:
        """The routes GET /media/{token}/still and GET /media/{token}/sound."""
        router = APIRouter()

        @router.get(PREFIX + "/{token}/{kind}", include_in_schema=False)
        def picture(token: str, kind: Kind) -> Response:
            media = self._shelf.find(token)
            if media is None:
                raise HTTPException(404, "no such file")
            headers = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}
            return Response(
                self._drawn(media, kind), media_type="image/png" if kind == "sound" else "image/webp", headers=headers
            )

        return router

    def _draw(self, media: Media, kind: Kind) -> bytes:
        """The picture's bytes; 404 for a file of which there is none, which is tried again when it is asked again."""
        is_image = TYPES.get(media.suffix, "").startswith("image/")
        work = (draw_sound, media) if kind == "sound" else (excerpt, Want(media, "image" if is_image else "video"))
        drawn = self._workers.result_of(self._workers.submit(*work))
        if isinstance(drawn, Fault):
            raise HTTPException(404, drawn.reason)
        return drawn if isinstance(drawn, bytes) else b64decode(drawn.picture.partition(",")[2])
