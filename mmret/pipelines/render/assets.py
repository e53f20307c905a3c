"""Pictures that belong to a document: those of one folder, and nothing else on the disk or the network."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

ORIGIN = "http://table.invalid/"  # a name that never resolves (RFC 6761, section 6.4): the address of all documents
SHOWN = 200  # characters of a refused address that are kept


class Assets:
    """The folder of assets while one document is drawn, and a record of what the document asked for."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = None if folder is None else folder.resolve()
        self.used: dict[str, str | None] = {}
        self.refused: list[str] = []

    def read(self, address: str) -> tuple[bytes, str] | None:
        """Content and media type of a picture inside the folder; None for any other address."""
        if self._folder is not None and address.startswith(ORIGIN):
            name = unquote(urlsplit(address).path).lstrip("/")
            kind = mimetypes.guess_type(name)[0] or ""
            content = _content(self._folder, name) if kind.startswith("image/") else None
            self.used[name] = None if content is None else hashlib.sha256(content).hexdigest()
            if content is not None:
                return content, kind
        self.refused.append(address[:SHOWN])
        return None


def unchanged(folder: Path | None, used: Mapping[str, str | None]) -> bool:
    """Whether the pictures that a document used are what they were when it was drawn."""
    assets = Assets(folder)
    for name in used:
        assets.read(ORIGIN + quote(name))
    return assets.used == used


def _content(folder: Path, name: str) -> bytes | None:
    try:
        file = (folder / name).resolve()  # through links, which may lead out of the folder too
        return file.read_bytes() if file.is_relative_to(folder) else None
    except (OSError, ValueError):
        return None  # not there, a folder, or no name that a file can have
