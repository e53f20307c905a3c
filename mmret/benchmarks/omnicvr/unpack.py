"""Videos out of the re-upload's Parquet files, where the original tars are not at hand."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ...errors import InputError, RunError
from ...progress import bar
from ..datafolder import alone


def holds_videos(folder: Path) -> bool:
    """Whether the first file of the corpus has a column of videos."""
    first = next((folder / "corpus").glob("**/*.parquet"), None)
    try:
        return first is not None and "video" in pq.read_schema(first).names
    except pa.ArrowInvalid:  # who reads the labels names it
        return False


def unpack_videos(folder: Path, *, tell: Callable[[str], None]) -> list[Path]:
    """Write the videos of `corpus/*.parquet` into one tar a file under `videos/`, from which clips are read in place.

    A tar that holds the clips of its file already is left alone, so a run that is stopped goes on. Processes that write
    into one folder wait for each other; `tell` takes a line about that. Raises `InputError` when the files hold no
    videos, and `RunError` when the disk has no room for them.
    """
    files = sorted((folder / "corpus").glob("**/*.parquet"))
    tars = [folder / "videos" / f"{path.stem}.tar" for path in files]
    if not files:
        raise InputError(f"{folder / 'corpus'}: no Parquet file here")
    with alone(folder / "videos", tell), bar(len(files), "unpack videos", "file") as progress:
        for path, tar in zip(files, tars, strict=True):
            if not _is_unpacked(path, tar):
                _unpack(path, tar)
            progress.update()
    return tars


def _is_unpacked(path: Path, tar: Path) -> bool:
    """Whether the tar is whole and holds the clips of the file."""
    try:
        with tarfile.open(tar) as archive:
            return archive.getnames() == list(map(str, pq.read_table(path, columns=["id"])["id"].to_pylist()))
    except (FileNotFoundError, tarfile.ReadError, pa.ArrowInvalid):
        return False


def _unpack(path: Path, tar: Path) -> None:
    part = tar.with_name(f"{tar.name}.part")
    try:
        with pq.ParquetFile(path) as file, tarfile.open(part, "w") as archive:
            has = file.schema_arrow.names
            lacking = [name for name in ("id", "video") if name not in has]
            if lacking:
                raise InputError(f"{path}: no column {', '.join(lacking)}; it has {', '.join(has)}")
            for batch in file.iter_batches(4, columns=["id", "video"]):
                for row in batch.to_pylist():
                    _add(archive, row, path)
        part.replace(tar)
    except pa.ArrowInvalid as error:
        raise InputError(f"{path}: not a Parquet file: {error}") from None
    except OSError as error:
        raise RunError(f"{tar}: cannot be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)


def _add(archive: tarfile.TarFile, row: dict[str, object], path: Path) -> None:
    video = row["video"]
    content = video.get("bytes") if isinstance(video, dict) else video
    if not isinstance(content, bytes):
        raise InputError(f"{path}: {row['id']} holds no bytes of a video")
    info = tarfile.TarInfo(str(row["id"]))
    info.size = len(content)
    archive.addfile(info, io.BytesIO(content))
