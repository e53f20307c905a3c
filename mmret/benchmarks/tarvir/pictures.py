"""Where the pictures of tables lie: in folders, in tars, or inside Parquet files, out of which they are taken once."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from ...errors import InputError
from ...items import Media, text_digest
from ...media import members
from ...paths import cache_folder
from ...progress import bar
from ...whole import write_whole

ENDINGS = {".png", ".jpg", ".jpeg", ".webp"}
WAY_OUT = "free some space or name another folder with --cache"


class Pictures:
    """All pictures in a folder and in the uncompressed tars in it, by name.

    Parameters
    ----------
    folder: searched with everything below it.
    cache: where the indices of archives are kept.

    Raises `InputError` for an archive that cannot be read.
    """

    def __init__(self, folder: Path, cache: Path | None = None) -> None:
        self._by_name: dict[str, list[tuple[str, Media]]] = {}
        for path in sorted(folder.absolute().rglob("*")):
            if path.suffix.lower() in ENDINGS:
                self._add(path.relative_to(folder.absolute()).as_posix(), Media(path))
            elif path.suffix.lower() == ".tar" and path.is_file():
                for name, media in members(path, cache).items():
                    self._add(name, media)

    def __bool__(self) -> bool:
        return bool(self._by_name)

    def find(self, name: str) -> Media | None:
        """The picture of that name; one whose id holds slashes lies in folders named after its parts."""
        found = self._by_name.get(PurePosixPath(name).name, [])
        fitting = [media for path, media in found if f"/{path}".endswith(f"/{name}")]
        return next(iter(fitting or [media for _, media in found[:1]]), None)

    def _add(self, path: str, media: Media) -> None:
        self._by_name.setdefault(PurePosixPath(path).name, []).append((path, media))


def unpack_column(path: Path, column: str, cache: Path | None = None) -> list[Media | None]:
    """The pictures in a column of a Parquet file, one entry a row, taken out into the cache.

    A picture's file is named by its digest, so a run that is stopped writes none twice; once all are out, the Parquet
    file's pictures are not read again until it changes. Raises `InputError` when the column holds no bytes, `RunError`
    when the cache cannot be written.
    """
    state = path.stat()
    stamp = [str(path.resolve()), column, state.st_size, state.st_mtime_ns]
    folder = cache_folder(cache) / "pictures"
    index = folder / f"{text_digest(str(stamp[:2]))}.json"
    names = _remembered(index, stamp, folder)
    if names is None:
        names = [None if content is None else _keep(content, folder) for content in _contents(path, column)]
        write_whole(index, json.dumps({"stamp": stamp, "names": names}).encode(), way_out=WAY_OUT)
    return [None if name is None else Media(folder / name) for name in names]


def _remembered(index: Path, stamp: list[object], folder: Path) -> list[str | None] | None:
    try:
        kept = json.loads(index.read_text())
    except (OSError, ValueError):
        return None
    names = kept["names"] if kept.get("stamp") == stamp else None
    return names if names is not None and all(name is None or (folder / name).is_file() for name in names) else None


def _contents(path: Path, column: str) -> Iterator[bytes | None]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file, bar(file.metadata.num_rows, "unpack pictures", "picture") as progress:
            for batch in file.iter_batches(16, columns=[column]):
                for value in batch[column].to_pylist():
                    content = value.get("bytes") if isinstance(value, dict) else value
                    if content is not None and not isinstance(content, bytes):
                        raise InputError(f"{path}: the column {column!r} holds no bytes of pictures")
                    yield content
                    progress.update()
    except pa.ArrowInvalid as error:
        raise InputError(f"{path}: not a Parquet file, or cut short: {error}") from None


def _keep(content: bytes, folder: Path) -> str:
    digest = hashlib.sha256(content).hexdigest()
    name = f"{digest[:2]}/{digest}{_ending(content)}"
    if not (folder / name).is_file():
        write_whole(folder / name, content, way_out=WAY_OUT)
    return name


def _ending(content: bytes) -> str:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content)) as image:
            return {"JPEG": ".jpg", "WEBP": ".webp"}.get(image.format or "", ".png")
    except Exception:  # Pillow raises many kinds on damaged files; the preflight names this one
        return ".png"
