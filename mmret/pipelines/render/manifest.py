"""The manifest beside the pictures: a JSON line for each document ever drawn into a folder, in its latest state."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

from .assets import unchanged

Entry = dict[str, Any]


class Manifest:
    """What a folder of pictures holds. Entries are added while drawing goes on; for a `with` block.

    Parameters
    ----------
    folder: where `manifest.jsonl` stands; made when it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "manifest.jsonl"
        folder.mkdir(parents=True, exist_ok=True)
        self.entries: dict[str, Entry] = {entry["id"]: entry for entry in _lines(self.path)}
        self._before = {entry["file"] for entry in self.entries.values() if "file" in entry}
        self._file = self.path.open("a", encoding="utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

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
        # The leading line break parts it from a line that a killed process left unfinished.
        self._file.write(f"\n{json.dumps(entry, ensure_ascii=False)}\n")
        self._file.flush()

    def finish(self, order: Sequence[str]) -> None:
        """After the block: put the entries of `order` last, in that order, and remove pictures that were replaced."""
        last = {name: self.entries.pop(name) for name in order}
        self.entries |= last
        new = self.path.with_suffix(".new")
        new.write_text("".join(f"{json.dumps(one, ensure_ascii=False)}\n" for one in self.entries.values()), "utf-8")
        new.replace(self.path)
        for file in self._before - {entry.get("file") for entry in self.entries.values()}:
            (self.path.parent / file).unlink(missing_ok=True)


def _lines(path: Path) -> Iterator[Entry]:
    for text in path.read_text(encoding="utf-8", errors="replace").split("\n") if path.exists() else ():
        try:
            line = json.loads(text)
        except json.JSONDecodeError:
            continue  # the last line of a run that was killed while writing it
        if isinstance(line, dict) and isinstance(line.get("id"), str):
            yield line
