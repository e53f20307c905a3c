"""Vectors on disk, so that nothing is decoded or embedded twice.

A store is a folder of one encoder and one side. Vectors lie in shards that are never changed, `<random name>.npy`; a
shard counts once its line stands in a manifest, which also says how many vectors each item has where it has a set of
them. Each process that writes has a manifest of its own, `manifest-<random name>.jsonl`: no two append to one file,
which network file systems do not promise to keep apart. A killed process leaves at most a file that no line names.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import RunError
from ..items import Side
from ..lines import append_lines, read_lines
from ..vectors import Vectors, VectorSets, matrix_of, offsets_of
from .base import Encoder, fingerprint

ABOUT = "encoder.json"  # who made the vectors; its time is that of the last use
NAMED = {"sha256", "width", "items", "cut"}  # what a manifest says of a shard


@dataclass(frozen=True)
class Shard:
    """A line of a manifest.

    Parameters
    ----------
    path: the file, whose SHA-256 is `sha256`.
    width: dimensions of the vectors.
    items: digests of the items, in the order of the rows.
    sizes: how many rows each item has.
    cut: the items of which the text was not read to its end.
    """

    path: Path
    sha256: str
    width: int
    items: tuple[str, ...]
    sizes: tuple[int, ...]
    cut: frozenset[str]

    def rows(self) -> NDArray[np.float32] | None:
        """All vectors `(rows, width)`; None where the file is gone or is not what was written."""
        content = self._content()
        return None if content is None else np.load(io.BytesIO(content))

    @property
    def sound(self) -> bool:
        """Whether the file is there and is what was written."""
        return self._content() is not None

    def _content(self) -> bytes | None:
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        return content if hashlib.sha256(content).hexdigest() == self.sha256 else None


class Place(NamedTuple):
    """Where the vectors of an item lie: rows `start` to `start + size` of a shard."""

    shard: Shard
    start: int
    size: int


class VectorStore:
    """The vectors of one encoder on one side, by content digest of the item.

    The folder's name holds the encoder's `fingerprint`, so a vector can never serve another model, revision, prompt or
    frame setting. Shards are read when they are needed, and a damaged one is as good as never written.
    """

    def __init__(self, root: Path, encoder: Encoder, side: Side) -> None:
        # "st:/a/folder" would be a path; what such names lose, the fingerprint tells apart.
        name = re.sub(r"[^\w.+-]+", "_", encoder.spec.name)[:80]
        self.folder = root / "vectors" / f"{name}-{fingerprint(encoder)}-{side}"
        self._sets = encoder.spec.scoring == "maxsim"
        self._manifest = self.folder / f"manifest-{uuid.uuid4().hex}.jsonl"
        self._places: dict[str, list[Place]] = {}
        self._widths: dict[Path, int | None] = {}  # of the shards that were looked at; None for damaged ones
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            described = {"spec": encoder.spec.describe(), "preprocessing": dict(encoder.preprocessing)}
            self._write(ABOUT, described)
            for shard in shards(self.folder):
                self._know(shard)
        except OSError as error:
            raise _trouble(self.folder, error) from error

    def missing(self, digests: Sequence[str]) -> list[str]:
        """The digests, each once, that have no vector yet."""
        return [digest for digest in dict.fromkeys(digests) if self._place(digest) is None]

    @property
    def damaged(self) -> list[Path]:
        """Shards that were looked for and are gone or not what was written."""
        return [path for path, width in self._widths.items() if width is None]

    @property
    def width(self) -> int | None:
        """Dimensions of the vectors; None while there is none that was asked for."""
        return next((width for width in self._widths.values() if width is not None), None)

    def get(self, digests: Sequence[str]) -> Vectors:
        """Vectors float32 `(len(digests), d)`, or their sets; each digest must be known."""
        places = [self._known(digest) for digest in digests]
        offsets = offsets_of([place.size for place in places])
        by_shard: dict[Path, list[int]] = {}
        for i, place in enumerate(places):
            by_shard.setdefault(place.shard.path, []).append(i)
        vectors = np.empty((offsets[-1], self.width or 0), np.float32)
        for path, members in by_shard.items():
            rows = places[members[0]].shard.rows()
            if rows is None:
                raise RunError(f"{path}: was damaged or removed while it was in use; run the same command again")
            for i in members:
                place = places[i]
                vectors[offsets[i] : offsets[i + 1]] = rows[place.start : place.start + place.size]
        return VectorSets(vectors, offsets) if self._sets else vectors

    def cut(self, digests: Sequence[str]) -> int:
        """Of how many of the items the text was not read to its end."""
        return sum(digest in self._known(digest).shard.cut for digest in digests)

    def add(self, digests: Sequence[str], vectors: Vectors, cut: Sequence[str] = ()) -> None:
        """Keep vectors of as many items, as `get` gives them; once this returns, they survive a kill or a power cut.

        `cut` are the items of which the text was not read to its end.
        """
        path = self.folder / f"{uuid.uuid4().hex}.npy"
        rows = np.asarray(matrix_of(vectors))
        buffer = io.BytesIO()
        np.save(buffer, rows)
        entry = {
            "shard": path.name,
            "sha256": hashlib.sha256(buffer.getbuffer()).hexdigest(),
            "width": rows.shape[1],
            "items": list(digests),
            "cut": list(cut),
        }
        if isinstance(vectors, VectorSets):
            entry["sizes"] = vectors.sizes.tolist()
        unfinished = path.with_suffix(".part")
        try:
            with unfinished.open("wb") as file:
                file.write(buffer.getbuffer())
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
            append_lines(self._manifest, entry)
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            raise _trouble(self.folder, error) from error
        self._widths[path] = rows.shape[1]
        self._know(_shard(self.folder, entry))

    def cost(self, of: str) -> dict[str, Any] | None:
        """What `keep_cost` was told of that; None where it was never told."""
        return self._costs().get(of)

    def keep_cost(self, of: str, cost: Mapping[str, Any]) -> None:
        """Remember what making a vector costs, for runs that find all vectors here; `of` is what it was measured on."""
        try:
            self._write("cost.json", self._costs() | {of: dict(cost)})
        except OSError as error:
            raise _trouble(self.folder, error) from error

    def _costs(self) -> dict[str, Any]:
        path = self.folder / "cost.json"
        return json.loads(path.read_text()) if path.is_file() else {}

    def _write(self, name: str, content: Mapping[str, Any]) -> None:
        unfinished = self.folder / f"{name}.{uuid.uuid4().hex}.part"
        unfinished.write_text(json.dumps(content, indent=1, sort_keys=True))
        unfinished.replace(self.folder / name)

    def _know(self, shard: Shard) -> None:
        for digest, start, size in zip(shard.items, offsets_of(shard.sizes).tolist(), shard.sizes, strict=False):
            self._places.setdefault(digest, []).append(Place(shard, start, size))

    def _place(self, digest: str) -> Place | None:
        """Where an item's vectors lie; a shard is looked at before it is named."""
        places = self._places.get(digest, [])
        while places:
            shard = places[-1].shard
            if shard.path not in self._widths:
                self._widths[shard.path] = shard.width if shard.sound else None
            if self._widths[shard.path] is not None:
                return places[-1]
            places.pop()
        return None

    def _known(self, digest: str) -> Place:
        place = self._place(digest)
        assert place is not None
        return place


def shards(folder: Path) -> list[Shard]:
    """What the manifests of a store name, in the order of the manifests' names; dropped shards left out.

    A line that lacks something, as an earlier version's does, names nothing: its vectors are made anew.
    """
    manifests = sorted(folder.glob("manifest-*.jsonl"))
    entries = [entry for path in manifests for _, entry in read_lines(path, "shard")]
    dropped = {entry["shard"] for entry in entries if entry.get("dropped")}
    return [_shard(folder, entry) for entry in entries if entry["shard"] not in dropped and entry.keys() >= NAMED]


def drop(folder: Path, gone: Sequence[Shard]) -> None:
    """Take shards out of a store for good, and their files away. Manifests of others are not written to."""
    manifest = folder / f"manifest-{uuid.uuid4().hex}.jsonl"
    append_lines(manifest, *({"shard": shard.path.name, "dropped": True} for shard in gone))
    for shard in gone:
        shard.path.unlink(missing_ok=True)


def _shard(folder: Path, entry: Mapping[str, Any]) -> Shard:
    items = tuple(entry["items"])
    sizes = tuple(entry.get("sizes", [1] * len(items)))
    return Shard(folder / entry["shard"], entry["sha256"], entry["width"], items, sizes, frozenset(entry["cut"]))


def _trouble(folder: Path, error: OSError) -> RunError:
    return RunError(
        f"{folder}: the vector store cannot be used: {error.strerror or error}; "
        "free some space or name another folder with --cache; what was stored before is kept"
    )
