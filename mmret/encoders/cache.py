"""What lies in the cache folder, whether it is sound, and what can go."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import RunError
from ..lines import read_lines
from .store import ABOUT, Shard, drop, shards

GRACE = 3600.0  # seconds in which another process may still be about to name a file, or be at work on a store
LINES = {"captions": ("captions", "name"), "ocr": ("pages", "engine")}  # folder → what it holds, who it is made by


@dataclass(frozen=True)
class Entry:
    """A store of vectors, or a file of captions or pages.

    Parameters
    ----------
    kind: "query vectors", "document vectors", "captions" or "pages".
    name: of the encoder, captioner or engine.
    path: folder or file.
    items: how many it holds.
    size: bytes of all its files.
    used: when it was last used, seconds since the epoch; of captions and pages when it last grew.
    """

    kind: str
    name: str
    path: Path
    items: int
    size: int
    used: float


@dataclass
class Garbage:
    """What can go.

    Parameters
    ----------
    stores: whole stores.
    damaged: shards by the folder of their store, of stores that stay.
    unnamed: files that no manifest names.
    busy: stores that would go, were they not in use.
    """

    stores: list[Entry] = field(default_factory=list)
    damaged: dict[Path, list[Shard]] = field(default_factory=dict)
    unnamed: list[Path] = field(default_factory=list)
    busy: list[Entry] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.stores or self.damaged or self.unnamed)

    @property
    def size(self) -> int:
        """Bytes that would be free."""
        files = [shard.path for some in self.damaged.values() for shard in some] + self.unnamed
        return sum(store.size for store in self.stores) + sum(map(_size, files))


def entries(cache: Path) -> list[Entry]:
    """All stores of vectors, captions and pages in a cache folder, by kind and name."""
    found = [*_vectors(cache), *_lines(cache)]
    return sorted(found, key=lambda entry: (entry.kind, entry.name, entry.path))


def damaged_shards(cache: Path, progress: Callable[[], object] = lambda: None) -> Iterator[Shard]:
    """Every shard that is gone or not what was written; all are read, and `progress` is called for each."""
    for folder in _folders(cache):
        for shard in shards(folder):
            if not shard.sound:
                yield shard
            progress()


def count_shards(cache: Path) -> int:
    """How many shards all stores have."""
    return sum(len(shards(folder)) for folder in _folders(cache))


def garbage(
    cache: Path, *, model: str | None = None, older_than: float | None = None, max_size: int | None = None
) -> Garbage:
    """What can go: damaged shards, files that no manifest names, and the stores of vectors that are asked for.

    Files younger than an hour, and stores used within it, stay: another process may be at work on them.

    Parameters
    ----------
    model: all stores of the encoder of this name.
    older_than: stores that were not used for so many days.
    max_size: the stores longest unused, until those left have no more than so many bytes.
    """
    found, now = Garbage(), time.time()
    stores = sorted(_vectors(cache), key=lambda store: store.used)
    chosen = {store.path for store in stores if store.name == model}
    if older_than is not None:
        chosen |= {store.path for store in stores if now - store.used > older_than * 86_400}
    left = sum(store.size for store in stores if store.path not in chosen)
    for store in stores:
        if store.path not in chosen and max_size is not None and left > max_size:
            chosen.add(store.path)
            left -= store.size
    for store in stores:
        if store.path in chosen:
            (found.busy if now - store.used < GRACE else found.stores).append(store)
    gone = {store.path for store in found.stores}
    for folder in (folder for folder in _folders(cache) if folder not in gone):
        known = shards(folder)
        if damaged := [shard for shard in known if not shard.sound]:
            found.damaged[folder] = damaged
        named = {shard.path for shard in known}
        loose = (path for path in folder.iterdir() if path.suffix in (".npy", ".part") and path not in named)
        found.unnamed += [path for path in loose if now - _used(path, now) > GRACE]
    return found


def remove(found: Garbage) -> None:
    """Remove what `garbage` found. Raises `RunError` where a file cannot be removed; what went before is gone."""
    try:
        for folder, damaged in found.damaged.items():
            drop(folder, damaged)
        for path in found.unnamed:
            path.unlink(missing_ok=True)
        for store in found.stores:
            shutil.rmtree(store.path)
    except OSError as error:
        raise RunError(f"{error.filename}: cannot be removed: {error.strerror}") from error


def _folders(cache: Path) -> list[Path]:
    return sorted(path.parent for path in (cache / "vectors").glob(f"*/{ABOUT}"))


def _vectors(cache: Path) -> Iterator[Entry]:
    for folder in _folders(cache):
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        files = list(folder.iterdir())
        items = {item for shard in shards(folder) for item in shard.items}
        used = max(_used(path) for path in files)
        kind = f"{folder.name.rpartition('-')[2]} vectors"
        yield Entry(kind, about["spec"]["name"], folder, len(items), sum(map(_size, files)), used)


def _lines(cache: Path) -> Iterable[Entry]:
    for folder, (kind, maker) in LINES.items():
        for path in (cache / folder).glob("*.jsonl"):
            about = path.with_suffix(".json")
            name = json.loads(about.read_text(encoding="utf-8"))[maker] if about.exists() else path.stem
            items = {row["sha256"] for _, row in read_lines(path)}
            yield Entry(kind, name, path, len(items), _size(path), path.stat().st_mtime)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # a run at work gave it its name just now
        return 0


def _used(path: Path, gone: float = 0.0) -> float:
    """When a file was last written; `gone` where it is no more."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return gone
