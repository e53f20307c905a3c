"""Clips, pictures and sounds over HTTP: by tokens that say nothing, whole or in ranges, and nothing else.

A token is a digest of where a file lies, keyed by a secret. It is looked up in a table of the files that are served; no
path is ever made of what a request says.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Iterator

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import StreamingResponse

from ..items import Item, Media

PREFIX = "/media"
PIECE = 1 << 18  # bytes sent at a time
# What a browser plays or shows and never runs, which is why SVG is missing; anything else is bytes to be saved.
TYPES = {
    ".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/quicktime", ".webm": "video/webm",
    ".mkv": "video/x-matroska", ".avi": "video/x-msvideo", ".mp3": "audio/mpeg", ".wav": "audio/wav",
    ".flac": "audio/flac", ".ogg": "audio/ogg", ".m4a": "audio/mp4", ".aac": "audio/aac", ".png": "image/png",
    ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp", ".bmp": "image/bmp",
    ".tif": "image/tiff", ".tiff": "image/tiff",
}  # fmt: skip
UNKNOWN = "application/octet-stream"
RANGE = re.compile(r"bytes=[ \t]*([0-9]{0,18})-([0-9]{0,18})[ \t]*")


class MediaShelf:
    """Hands out the media of items, such as the queries and documents of a benchmark.

    Parameters
    ----------
    items: more can be added later.
    key: the secret of the tokens; processes that serve the same links share one. None draws one, so that links end with
        the process.
    """

    def __init__(self, items: Iterable[Item] = (), key: bytes | None = None) -> None:
        self._key = key or secrets.token_bytes(32)
        self._media: dict[str, Media] = {}
        self._tokens: dict[Media, str] = {}
        self.add(items)

    def add(self, items: Iterable[Item]) -> None:
        """Serve the media of further items, such as those of another view."""
        for media in (media for item in items for media in item.media):
            if media not in self._tokens:
                token = self._token(media)
                self._tokens[media], self._media[token] = token, media

    def url(self, media: Media) -> str:
        """Where a file of the items is served: "/media/…". Raises `KeyError` for any other."""
        return f"{PREFIX}/{self._tokens[media]}"

    def find(self, token: str) -> Media | None:
        """The file that a token means; None for a token of none."""
        return self._media.get(token)

    def router(self) -> APIRouter:
        """The route GET and HEAD /media/{token}."""
        router = APIRouter()

        @router.api_route(PREFIX + "/{token}", methods=["GET", "HEAD"], include_in_schema=False)
        def media(token: str, request: Request) -> Response:
            found = self.find(token)
            if found is None:
                raise HTTPException(404, "no such file")
            return serve(found, request)

        return router

    def _token(self, media: Media) -> str:
        where = f"{media.path}\0{media.start}\0{media.length}".encode()
        return hmac.new(self._key, where, hashlib.sha256).hexdigest()[:32]


def serve(media: Media, request: Request) -> Response:
    """A file, or the range of it that a request asks for, in pieces (RFC 9110); 404 for one that is gone."""
    try:
        state = media.path.stat()
    except OSError:
        raise HTTPException(404, "the file is gone") from None
    there = max(0, state.st_size - media.start)
    size = there if media.length is None else min(media.length, there)
    tag = f'"{state.st_mtime_ns:x}-{media.start:x}-{size:x}"'
    headers = {
        "ETag": tag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, max-age=3600",
        "Content-Type": TYPES.get(media.suffix, UNKNOWN),
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    if {tag, "*"} & {*re.split(r"[ \t]*,[ \t]*", request.headers.get("if-none-match", "").replace("W/", ""))}:
        return Response(status_code=304, headers=headers)
    wanted = request.headers.get("range", "") if request.method == "GET" else ""
    if request.headers.get("if-range", tag) != tag:
        wanted = ""  # the range is of what the file was before
    try:
        part = range_of(wanted, size)
    except IndexError:
        return Response(status_code=416, headers=headers | {"Content-Range": f"bytes */{size}"})
    first, last = part or (0, size)
    if part:
        headers["Content-Range"] = f"bytes {first}-{last - 1}/{size}"
    headers["Content-Length"] = str(last - first)
    status = 206 if part else 200
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    return StreamingResponse(_pieces(media, media.start + first, last - first), status_code=status, headers=headers)


def range_of(header: str, size: int) -> tuple[int, int] | None:
    """The bytes that a Range header asks for, first and behind the last; None where the whole is to be sent.

    That is so, as the RFC allows, for several ranges and for what is no range of bytes. Raises `IndexError` for a range
    that begins behind the end of the `size` bytes, or ends before it begins.
    """
    match = RANGE.fullmatch(header)
    if match is None or not any(match.groups()):
        return None
    if not match[1]:  # the last so many
        first, last = max(0, size - int(match[2])), size
    else:
        first, last = int(match[1]), min(int(match[2] or size) + 1, size)
    if first >= last:
        raise IndexError(header)
    return first, last


def _pieces(media: Media, start: int, length: int) -> Iterator[bytes]:
    with media.path.open("rb") as file:
        file.seek(start)
        while length > 0 and (piece := file.read(min(PIECE, length))):
            length -= len(piece)
            yield piece
