"""The declarative layout for composed retrieval: a source clip and a text must find the target clip.

A folder holds three files, all paths in them relative to the folder:

- `benchmark.json`: one object with `"layout": "composed-video"`, `name`, `version`, and optionally `title`,
  `description`, `licence`, and `requires`, the modalities every clip must have (default `["video", "audio"]`).
- `documents.jsonl`: one object a clip: `id`, `video` (its sound track is its sound), optionally `text`.
- `queries.jsonl`: one object a query: `id`, `text`, `targets` (document id → grade, or a list of ids), and optionally
  `source` (a document id), `gallery` (a list of document ids; all documents when absent) and `slices` (labels).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..items import MODALITIES, Item, Media
from .base import Benchmark
from .ragged import Ragged

LAYOUT = "composed-video"


def load_composed(folder: Path, *, card: str = "") -> Benchmark:
    """Read and validate a benchmark in the composed-video layout.

    Raises `InputError` naming file, line and field for whatever does not fit the layout.
    """
    about = read_about(folder)
    needs = about.get("requires", ["video", "audio"])
    if not isinstance(needs, list) or not set(needs) <= set(MODALITIES):
        raise InputError(f"{folder / 'benchmark.json'}: 'requires' must be a list out of {', '.join(MODALITIES)}")
    documents = sorted((_document(row, folder) for row in _rows(folder / "documents.jsonl")), key=lambda item: item.id)
    rows = sorted(_rows(folder / "queries.jsonl"), key=lambda row: str(row["id"]))
    place = {item.id: i for i, item in enumerate(documents)}
    sources = [row.position(place, row["source"], "source") if "source" in row else -1 for row in rows]
    targets = [row.targets(place) for row in rows]
    galleries = [row.gallery(place) for row in rows]
    if any(galleries) and not all(galleries):
        lacking = next(row for row, gallery in zip(rows, galleries, strict=True) if not gallery)
        raise lacking.error("no 'gallery', while other queries have one")
    return Benchmark(
        name=about["name"],
        version=str(about["version"]),
        queries=[_query(row, documents, source) for row, source in zip(rows, sources, strict=True)],
        documents=documents,
        positives=Ragged.of([list(one) for one in targets]),
        gains=np.asarray([gain for one in targets for gain in one.values()], np.float64),
        galleries=Ragged.of(galleries) if any(galleries) else None,
        source=np.asarray(sources, np.int32) if max(sources, default=-1) >= 0 else None,
        slices=_slices(rows),
        needs=frozenset(needs),
        card=card,
        about=about,
    )


def read_about(folder: Path) -> dict[str, Any]:
    """The object in `benchmark.json`, with `name` and `version` in it."""
    path = folder / "benchmark.json"
    try:
        about = json.loads(path.read_text())
    except FileNotFoundError:
        raise InputError(f"{folder}: no benchmark here, the file benchmark.json is missing") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not JSON: {error}") from None
    for key in ("layout", "name", "version"):
        if not isinstance(about, dict) or key not in about:
            raise InputError(f"{path}: the field {key!r} is missing")
    return about


class Row(dict[str, Any]):
    """One line of a JSON-lines file, which knows where it stands."""

    def __init__(self, fields: Mapping[str, Any], path: Path, line: int) -> None:
        super().__init__(fields)
        self._where = f"{path}:{line}"

    def __missing__(self, key: str) -> Any:
        raise self.error(f"the field {key!r} is missing")

    def error(self, what: str) -> InputError:
        """An error that names file and line."""
        return InputError(f"{self._where}: {what}")

    def text(self, key: str) -> str:
        """The field as a text that is not empty."""
        value = self[key]
        if not isinstance(value, str) or not value:
            raise self.error(f"{key!r} must be a text that is not empty, not {value!r}")
        return value

    def position(self, place: Mapping[str, int], name: object, field: str) -> int:
        """The position of a document named in this line."""
        if not isinstance(name, str) or name not in place:
            raise self.error(f"{field} {name!r} is no document")
        return place[name]

    def targets(self, place: Mapping[str, int]) -> dict[int, float]:
        """Document position → grade."""
        value = self["targets"]
        graded = dict.fromkeys(value, 1) if isinstance(value, list) else value
        if not isinstance(graded, dict) or not all(isinstance(gain, int | float) for gain in graded.values()):
            raise self.error("'targets' must be a list of document ids, or an object of document id and grade")
        return {self.position(place, name, "target"): float(gain) for name, gain in graded.items()}

    def gallery(self, place: Mapping[str, int]) -> list[int]:
        """Sorted positions of the candidates, empty where none are given."""
        value = self.get("gallery", [])
        if not isinstance(value, list):
            raise self.error("'gallery' must be a list of document ids")
        return sorted(self.position(place, name, "candidate") for name in value)


def _rows(path: Path) -> Iterator[Row]:
    try:
        text = path.read_text()
    except FileNotFoundError:
        raise InputError(f"{path}: the file is missing") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8: {error}") from None
    if not text.strip():
        raise InputError(f"{path}: the file is empty")
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
        except json.JSONDecodeError as error:
            raise InputError(f"{path}:{number}: not JSON: {error}") from None
        if not isinstance(fields, dict):
            raise InputError(f"{path}:{number}: not a JSON object")
        row = Row(fields, path, number)
        row.text("id")
        yield row


def _document(row: Row, folder: Path) -> Item:
    video = Media((folder / row.text("video")).resolve())
    return Item(row["id"], text=row.get("text"), video=video, audio=video)


def _query(row: Row, documents: Sequence[Item], source: int) -> Item:
    clip = documents[source].video if source >= 0 else None
    return Item(row["id"], text=row.text("text"), video=clip, audio=clip)


def _slices(rows: Sequence[Row]) -> dict[str, np.ndarray[Any, np.dtype[np.int64]]]:
    members: dict[str, list[int]] = {}
    for number, row in enumerate(rows):
        for label in row.get("slices", []):
            members.setdefault(str(label), []).append(number)
    return {label: np.asarray(members[label], np.int64) for label in sorted(members)}
