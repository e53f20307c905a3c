"""What models wrote and people judged, kept on disk: JSON lines that a person can read and no kill can spoil."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .errors import RunError
from .whole import write_whole

_TROUBLE = "new lines cannot be kept"
_WAY_OUT = "free some space or name another folder with --cache; those written before are kept"


class Lines:
    """A file of rows, `<name>-<fingerprint>.jsonl`, beside a `.json` of that name, which says who wrote it and how.

    A row is about one media file: `sha256` is the digest of its content. Rows are only ever added, also by runs side by
    side; they stay on disk and are found by the byte at which they begin, their place.

    Parameters
    ----------
    folder: where the files stand; made with the first row.
    name, fingerprint: of the writer; what a path loses of a name, the fingerprint tells apart.
    about: the writer, plain values.
    """

    def __init__(self, folder: Path, name: str, fingerprint: str, about: Mapping[str, Any]) -> None:
        plain = "".join(sign if sign.isalnum() or sign in "-_.+" else "_" for sign in name)[:80]
        self.path = folder / f"{plain}-{fingerprint}.jsonl"
        self._about = about

    def __iter__(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Place and content of each row."""
        return read_lines(self.path)

    def at(self, place: int) -> dict[str, Any]:
        """The row at a place."""
        with self.path.open("rb") as file:
            file.seek(place)
            row: dict[str, Any] = json.loads(file.readline())
            return row

    def add(self, *rows: Mapping[str, Any]) -> int:
        """Keep rows and give the place of the first; once this returns, they survive a kill or a power cut.

        Raises `RunError` when the disk takes no more.
        """
        described = self.path.with_suffix(".json")
        if not described.exists():
            text = json.dumps(self._about, indent=1, sort_keys=True, ensure_ascii=False)
            write_whole(described, text.encode(), _TROUBLE, _WAY_OUT)
        try:
            return append_lines(self.path, *rows)
        except OSError as error:
            raise RunError(f"{self.path}: {_TROUBLE}: {error.strerror or error}; {_WAY_OUT}") from error


def append_lines(path: Path, *rows: Mapping[str, Any]) -> int:
    """Add rows to a file and give the place of the first; once this returns, they survive a kill or a power cut."""
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode("utf-8", "surrogatepass")
    with path.open("ab") as file:
        # One write: processes side by side may share the file. The leading line break parts the rows from one that a
        # killed process left unfinished.
        file.write(b"\n" + lines)
        file.flush()
        os.fsync(file.fileno())
        return file.tell() - len(lines)


def read_lines(path: Path, field: str = "sha256") -> Iterator[tuple[int, dict[str, Any]]]:
    """Place and content of each row of a file that has the field; none where there is no file."""
    if not path.exists():
        return
    place = 0
    with path.open("rb") as file:
        for line in file:
            try:
                row = json.loads(line)
            except ValueError:
                row = None  # empty, or the last line of a run that was killed while writing it
            if isinstance(row, dict) and field in row:
                yield place, row
            place += len(line)
