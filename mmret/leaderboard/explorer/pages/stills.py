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
from ..media import PREFIX, TYPES, MediaShelf

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
            drawn = Fault("no such file") if media is None else self._drawn(media, kind)
            if isinstance(drawn, Fault):
                raise HTTPException(404, drawn.reason)
            headers = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}
            return Response(drawn, media_type="image/png" if kind == "sound" else "image/webp", headers=headers)

        return router

    def _draw(self, media: Media, kind: Kind) -> bytes | Fault:
        """The picture's bytes, or why there is none."""
        if kind == "sound":
            made: bytes | Fault = self._workers.result_of(self._workers.submit(draw_sound, media))
            return made
        is_image = TYPES.get(media.suffix, "").startswith("image/")
        found = self._workers.result_of(self._workers.submit(excerpt, Want(media, "image" if is_image else "video")))
        return found if isinstance(found, Fault) else b64decode(found.picture.partition(",")[2])
