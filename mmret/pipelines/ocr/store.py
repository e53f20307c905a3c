"""What was read, on disk (see `Lines`), once for all benchmarks.

A line is one picture: its digest, its size, what stands in it, and the seconds that took.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...lines import Lines
from .base import Engine, fingerprint, identity


class PageStore:
    """What one engine read, by content of the picture. Rows stay on disk; their places are held in memory.

    Parameters
    ----------
    root: mmret's cache folder.
    engine: whose pages these are.
    """

    def __init__(self, root: Path, engine: Engine) -> None:
        self._lines = Lines(root / "ocr", engine.name, fingerprint(engine), identity(engine))
        self.path = self._lines.path
        self._places = {row["sha256"]: place for place, row in self._lines}

    def __contains__(self, digest: str) -> bool:
        return digest in self._places

    def __getitem__(self, digest: str) -> dict[str, Any]:
        return self._lines.at(self._places[digest])

    def add(self, digest: str, row: dict[str, Any]) -> None:
        """Keep a row. Raises `RunError` when the disk takes no more."""
        self._places[digest] = self._lines.add({"sha256": digest, **row})
