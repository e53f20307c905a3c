"""The manifest beside the pictures: a JSON line for each document ever drawn into a folder, in its latest state."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...lines import append_lines, read_lines
from .assets import unchanged

Entry = dict[str, Any]
MANIFEST = "manifest.jsonl"


class Manifest:
    """What a folder of pictures holds. Entries are added while drawing goes on.

    Parameters
    ----------
    folder: where `manifest.jsonl` stands.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / MANIFEST
        self.entries: dict[str, Entry] = {entry["id"]: entry for _, entry in read_lines(self.path, "id")}
        self._before = {entry["file"] for entry in self.entries.values() if "file" in entry}

    def holds(self, name: str, picture: str, assets: Path | None) -> bool:
        """Whether that document's picture is there under that file name, whole, with its assets as they are now."""
        entry = self.entries.get(name, {})
        if entry.get("file") != picture or not unchanged(assets, entry.get("assets", {})):
            return False
        try:
            return hashlib.sha256((self.path.parent / picture).read_bytes()).hexdigest() == entry["sha256"]
        except OSError:
            return False

    def add(self, entry: Entry) -> None:
        """Write the entry down; from then on it survives a kill."""
        self.entries[entry["id"]] = entry
        append_lines(self.path, entry)

    def finish(self, order: Sequence[str]) -> None:
        """At the end: put the entries of `order` last, in that order, and remove pictures that were replaced."""
        last = {name: self.entries.pop(name) for name in order}
        self.entries |= last
        new = self.path.with_suffix(".new")
        lines = "".join(f"{json.dumps(one, ensure_ascii=False)}\n" for one in self.entries.values())
        new.write_text(lines, encoding="utf-8", errors="backslashreplace")  # see `append_lines`
        new.replace(self.path)
        for file in self._before - {entry.get("file") for entry in self.entries.values()}:
            (self.path.parent / file).unlink(missing_ok=True)
