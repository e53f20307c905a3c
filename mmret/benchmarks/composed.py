"""The declarative layout for composed retrieval: a source and a text must find the target.

A folder holds three files. All paths in them are relative to the folder, and may lead into an uncompressed tar archive
(`clips.tar/a.mp4`):

- `benchmark.json`: one object with `"layout": "composed-video"`, `name`, `version`, and optionally `title`,
  `description`, `licence`; `requires`, the modalities every file must have (default `["video", "audio"]`); `sound`,
  whether a video's sound track is part of it (default: whether audio is required); `gallery`, a list of document ids
  that all queries share; `sound_slices`, the slices that cannot be answered without hearing; `"labels": "hidden"` for a
  copy whose queries have no `targets` (see `mmret.benchmarks.hide`).
- `documents.jsonl`: one object a document: `id`, and `video` or `image`, optionally `text`.
- `queries.jsonl`: one object a query: `id`, `text`, `targets` (document id → grade, or a list of ids), and optionally
  `source` (a document id) or, for a source that is no document, `video` or `image`; `gallery` (a list of document ids;
  the shared one, or else all documents, when absent) and `slices` (labels).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..items import MODALITIES, Item, Media
from .draft import Draft, Fault
from .files import Files
from .ragged import Ragged
from .rows import read_rows

LAYOUT = "composed-video"
HIDDEN = "hidden"


def read_composed(folder: Path, *, cache: Path | None = None) -> Draft:
    """Read a benchmark in the composed-video layout.

    Raises `InputError` naming file, line and field for whatever does not fit the layout; names of documents that do not
    exist are faults of the draft.
    """
    about = read_about(folder)
    needs = about.get("requires", ["video", "audio"])
    if not isinstance(needs, list) or not all(one in MODALITIES for one in needs):
        raise InputError(f"{folder / 'benchmark.json'}: 'requires' must be a list out of {', '.join(MODALITIES)}")
    sound_slices = about.get("sound_slices", [])
    if not isinstance(sound_slices, list):
        raise InputError(f"{folder / 'benchmark.json'}: 'sound_slices' must be a list of slices")
    files = Files(folder, cache)
    sound = bool(about.get("sound", "audio" in needs))
    documents = [_document(row, files, sound) for row in _rows(folder / "documents.jsonl")]
    rows = list(_rows(folder / "queries.jsonl"))
    names = _Names({item.id: i for i, item in reversed(list(enumerate(documents)))})
    sources = [names.find(row, [row["source"]], "source") if "source" in row else [] for row in rows]
    hidden = labels_hidden(about, folder)
    targets = [{} if hidden and "targets" not in row else row.targets() for row in rows]
    positives = [names.find(row, graded, "target") for row, graded in zip(rows, targets, strict=True)]
    return Draft(
        name=str(about["name"]),
        version=str(about["version"]),
        queries=[_query(row, documents, source, files, sound) for row, source in zip(rows, sources, strict=True)],
        documents=documents,
        positives=Ragged.of(positives),
        gains=np.asarray([gain for graded in targets for name, gain in graded.items() if name in names], np.float64),
        galleries=_galleries(rows, names, about.get("gallery"), folder),
        source=np.asarray([one[0] if one else -1 for one in sources], np.int32) if any(sources) else None,
        labels=[list(map(str, row.listed("slices", "labels"))) for row in rows],
        found=names.faults,
        needs=frozenset(needs),
        hidden=hidden,
        sound_slices=frozenset(map(str, sound_slices)),
        about=about,
    )


def _galleries(rows: Sequence[Row], names: _Names, shared: object, folder: Path) -> Ragged | None:
    if shared is not None:
        for row in rows:
            if "gallery" in row:
                raise row.error("a 'gallery' of its own, while benchmark.json has a shared one")
        about = Row({"id": "", "gallery": shared}, str(folder / "benchmark.json"))
        return Ragged.of([names.find(about, about.listed("gallery", "document ids"), "candidate")])
    listed = [row.listed("gallery", "document ids") for row in rows]
    if not any(listed):
        return None
    lacking = [row for row, names_ in zip(rows, listed, strict=True) if not names_]
    if lacking:
        raise lacking[0].error("no 'gallery', while other queries have one")
    return Ragged.of([names.find(row, candidates, "candidate") for row, candidates in zip(rows, listed, strict=True)])


def read_about(folder: Path) -> dict[str, Any]:
    """The object in `benchmark.json`, with `name` and `version` in it."""
    path = folder / "benchmark.json"
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{folder}: no benchmark here, the file benchmark.json is missing") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not JSON: {error}") from None
    for key in ("layout", "name", "version"):
        if not isinstance(about, dict) or key not in about:
            raise InputError(f"{path}: the field {key!r} is missing")
    return about


def labels_hidden(about: Mapping[str, Any], folder: Path) -> bool:
    """Whether a `benchmark.json` says that the folder is a copy without labels."""
    if about.get("labels") not in (None, HIDDEN):
        raise InputError(f"{folder / 'benchmark.json'}: 'labels' must be {HIDDEN!r}, or not there")
    return "labels" in about


class Row(dict[str, Any]):
    """One line of a JSON-lines file, which knows where it stands."""

    def __init__(self, fields: Mapping[str, Any], where: str) -> None:
        super().__init__(fields)
        self.where = where

    def __missing__(self, key: str) -> Any:
        raise self.error(f"the field {key!r} is missing")

    def error(self, what: str) -> InputError:
        """An error that names file and line."""
        return InputError(f"{self.where}: {what}")

    def text(self, key: str) -> str:
        """The field as a text that is not empty."""
        value = self[key]
        if not isinstance(value, str) or not value:
            raise self.error(f"{key!r} must be a text that is not empty, not {value!r}")
        return value

    def targets(self) -> dict[str, float]:
        """Name of a document → grade."""
        value = self["targets"]
        graded = dict.fromkeys(map(str, value), 1) if isinstance(value, list) else value
        if not isinstance(graded, dict) or not all(isinstance(gain, int | float) for gain in graded.values()):
            raise self.error("'targets' must be a list of document ids, or an object of document id and grade")
        return {name: float(gain) for name, gain in graded.items()}

    def listed(self, key: str, what: str) -> list[object]:
        """The field as a list of such things, empty where it is not there."""
        value = self.get(key, [])
        if not isinstance(value, list):
            raise self.error(f"{key!r} must be a list of {what}")
        return value


class _Names:
    """Names of documents to positions; a name that no document has is noted as a fault and left out."""

    def __init__(self, place: Mapping[str, int]) -> None:
        self._place = place
        self.faults: list[Fault] = []

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._place

    def find(self, row: Row, names: Iterable[object], field: str) -> list[int]:
        """Positions of the documents that a line names."""
        found = []
        for name in names:
            if isinstance(name, str) and name in self._place:
                found.append(self._place[name])
            else:
                where = f"{row.where}: {field} {name!r} is no document"
                self.faults.append(Fault(f"{field} is no document", row["id"], str(name), where))
        return found


def _rows(path: Path) -> Iterator[Row]:
    row = None
    for one in read_rows(path):
        row = Row(one.fields, one.where)
        row.text("id")
        yield row
    if row is None:
        raise InputError(f"{path}: the file is empty")


def _media(row: Row, files: Files, sound: bool) -> dict[str, Media]:
    """The fields `video`, `image` and `audio` of an item."""
    found = {key: files.media(row.text(key)) for key in ("video", "image") if key in row}
    return found | ({"audio": found["video"]} if sound and "video" in found else {})


def _document(row: Row, files: Files, sound: bool) -> Item:
    media = _media(row, files, sound)
    if not media:
        raise row.error("the field 'video' is missing, or 'image'")
    text = row.get("text")
    if not isinstance(text, str | None):
        raise row.error(f"'text' must be a text, not {text!r}")
    return Item(row["id"], text=text, **media)


def _query(row: Row, documents: Sequence[Item], source: Sequence[int], files: Files, sound: bool) -> Item:
    if not source:
        return Item(row["id"], text=row.text("text"), **_media(row, files, sound))
    shown = documents[source[0]]
    return Item(row["id"], text=row.text("text"), image=shown.image, video=shown.video, audio=shown.audio)
