"""Vectors on disk, so that nothing is decoded or embedded twice.

A store is a folder of one encoder and one side. Vectors lie in shards that are never changed, `<random name>.npy`; a
shard counts once its line stands in `manifest.jsonl`, which also says how many vectors each item has where it has a
set of them. A killed process leaves at most a file that no line names.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import RunError
from ..items import Side
from ..vectors import Vectors, VectorSets, matrix_of, offsets_of
from .base import Encoder, fingerprint


class VectorStore:
    """The vectors of one encoder on one side, by content digest of the item.

    The folder's name holds the encoder's `fingerprint`, so a vector can never serve another model, revision, prompt or
    frame setting.
    """

    def __init__(self, root: Path, encoder: Encoder, side: Side) -> None:
        # "st:/a/folder" would be a path; what such names lose, the fingerprint tells apart.
        name = re.sub(r"[^\w.+-]+", "_", encoder.spec.name)[:80]
        self.folder = root / "vectors" / f"{name}-{fingerprint(encoder)}-{side}"
        self._sets = encoder.spec.scoring == "maxsim"
        self._rows: dict[str, NDArray[np.float32]] = {}  # `(d,)` each, or `(vectors of the item, d)`
        self._cut: set[str] = set()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            described = {"spec": encoder.spec.describe(), "preprocessing": dict(encoder.preprocessing)}
            (self.folder / "encoder.json").write_text(json.dumps(described, indent=1, sort_keys=True))
            self._read()
        except OSError as error:
            raise _trouble(self.folder, error) from error

    def missing(self, digests: Sequence[str]) -> list[str]:
        """The digests, each once, that have no vector yet."""
        return [digest for digest in dict.fromkeys(digests) if digest not in self._rows]

    @property
    def width(self) -> int | None:
        """Dimensions of the vectors; None while there is none."""
        return next((row.shape[-1] for row in self._rows.values()), None)

    def get(self, digests: Sequence[str]) -> Vectors:
        """Vectors float32 `(len(digests), d)`, or their sets; each digest must be known."""
        rows = [self._rows[digest] for digest in digests]
        return VectorSets.of(rows) if self._sets else np.stack(rows)

    def cut(self, digests: Sequence[str]) -> int:
        """Of how many of the items the text was not read to its end."""
        return sum(digest in self._cut for digest in digests)

    def add(self, digests: Sequence[str], vectors: Vectors, cut: Sequence[str] = ()) -> None:
        """Keep vectors of as many items, as `get` gives them; once this returns, they survive a kill or a power cut.

        `cut` are the items of which the text was not read to its end.
        """
        name = f"{uuid.uuid4().hex}.npy"
        try:
            with (self.folder / f"{name}.part").open("wb") as file:
                np.save(file, np.asarray(matrix_of(vectors)))
                file.flush()
                os.fsync(file.fileno())
            sha256 = _sha256(self.folder / f"{name}.part")
            (self.folder / f"{name}.part").replace(self.folder / name)
            # The leading line break parts this line from one that a killed process left unfinished.
            entry = {"shard": name, "sha256": sha256, "items": list(digests), "cut": list(cut)}
            if isinstance(vectors, VectorSets):
                entry["sizes"] = vectors.sizes.tolist()
            with (self.folder / "manifest.jsonl").open("a") as file:
                file.write(f"\n{json.dumps(entry)}\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            (self.folder / f"{name}.part").unlink(missing_ok=True)
            raise _trouble(self.folder, error) from error
        self._rows.update(zip(digests, vectors, strict=True))
        self._cut.update(cut)

    def cost(self, device: str) -> dict[str, Any] | None:
        """What `keep_cost` was told of that device; None where it was never told."""
        return self._costs().get(device)

    def keep_cost(self, device: str, cost: Mapping[str, Any]) -> None:
        """Remember what making a vector on a device costs, for runs that find all vectors here."""
        path = self.folder / "cost.json"
        try:
            path.with_suffix(".part").write_text(json.dumps(self._costs() | {device: dict(cost)}, indent=1))
            path.with_suffix(".part").replace(path)
        except OSError as error:
            raise _trouble(self.folder, error) from error

    def _costs(self) -> dict[str, Any]:
        path = self.folder / "cost.json"
        return _parse(path.read_text()) if path.is_file() else {}

    def _read(self) -> None:
        manifest = self.folder / "manifest.jsonl"
        for line in manifest.read_text().splitlines() if manifest.exists() else ():
            entry = _parse(line)
            path = self.folder / entry.get("shard", "")
            # A shard that is damaged or gone is as good as never written: its items are embedded again.
            if "cut" in entry and path.is_file() and _sha256(path) == entry["sha256"]:
                rows = np.load(path)
                vectors = VectorSets(rows, offsets_of(entry["sizes"])) if self._sets else rows
                self._rows.update(zip(entry["items"], vectors, strict=True))
                self._cut.update(entry["cut"])


def _parse(line: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except json.JSONDecodeError:
        return {}
    return entry if isinstance(entry, dict) else {}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _trouble(folder: Path, error: OSError) -> RunError:
    return RunError(
        f"{folder}: the vector store cannot be used: {error.strerror or error}; "
        "free some space or name another folder with --cache; what was stored before is kept"
    )
