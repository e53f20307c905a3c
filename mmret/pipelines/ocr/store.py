"""What was read, on disk, once for all benchmarks: a folder of JSON lines that a person can read.

Each engine with its version and settings has a file, `<name>-<fingerprint>.jsonl`, beside `<name>-<fingerprint>.json`,
which says what it is. A line is one picture: its digest, its size, what stands in it, and the seconds that took.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from ...errors import RunError
from .base import Engine, fingerprint, identity


class PageStore:
    """What one engine read, by content of the picture. Rows stay on disk; places of lines are held in memory.

    Parameters
    ----------
    root: mmret's cache folder.
    engine: whose pages these are.
    """

    def __init__(self, root: Path, engine: Engine) -> None:
        plain = "".join(sign if sign.isalnum() or sign in "-_.+" else "_" for sign in engine.name)[:80]
        self.path = root / "ocr" / f"{plain}-{fingerprint(engine)}.jsonl"
        self._about = json.dumps(identity(engine), indent=1, sort_keys=True, ensure_ascii=False)
        self._places: dict[str, int] = {}
        if self.path.exists():
            self._index()

    def _index(self) -> None:
        place = 0
        with self.path.open("rb") as file:
            for line in file:
                # A line may be empty, or the last one of a run that was killed while writing it.
                with contextlib.suppress(ValueError, LookupError, TypeError):
                    self._places[json.loads(line)["sha256"]] = place
                place += len(line)

    def __contains__(self, digest: str) -> bool:
        return digest in self._places

    def __getitem__(self, digest: str) -> dict[str, Any]:
        with self.path.open("rb") as file:
            file.seek(self._places[digest])
            row: dict[str, Any] = json.loads(file.readline())
            return row

    def add(self, digest: str, row: dict[str, Any]) -> None:
        """Keep a row; once this returns, it survives a kill. Raises `RunError` when the disk takes no more."""
        try:
            if not self.path.with_suffix(".json").exists():
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self.path.with_suffix(".json").write_text(self._about, encoding="utf-8")
            line = json.dumps({"sha256": digest, **row}, ensure_ascii=False).encode() + b"\n"
            with self.path.open("ab") as file:
                # One write: runs side by side may share the file. The leading line break parts the row from one that a
                # killed process left unfinished.
                file.write(b"\n" + line)
                file.flush()
                self._places[digest] = os.fstat(file.fileno()).st_size - len(line)
        except OSError as error:
            raise RunError(
                f"{self.path}: what was read cannot be kept: {error.strerror or error}; free some space or name "
                "another folder with --cache; pages read before are kept"
            ) from error
