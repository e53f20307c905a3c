"""Files of a dataset repository of the Hub into a folder: whole, or some columns of a Parquet file."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from ..errors import RunError


@dataclass(frozen=True)
class Remote:
    """One file of a dataset repository at a revision.

    Parameters
    ----------
    size: bytes of the whole file.
    sha256: its digest where the Hub states one, else None.
    columns: the columns wanted of a Parquet file; None for the whole file.
    """

    repository: str
    revision: str
    path: str
    size: int
    sha256: str | None
    columns: tuple[str, ...] | None


def files_of(repository: str, revision: str, wanted: Callable[[str], bool]) -> list[Remote]:
    """The files of a repository at a revision whose path is `wanted`, whole.

    Raises `RunError` when the Hub cannot be reached, or has none of them.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile

    with hub_errors():
        tree = HfApi().list_repo_tree(repository, recursive=True, revision=revision, repo_type="dataset")
        files = [file for file in tree if isinstance(file, RepoFile) and wanted(file.path)]
    if not files:
        raise RunError(f"{repository} at {revision[:12]}: none of the files expected are there")
    return [Remote(repository, revision, f.path, f.size, f.lfs.sha256 if f.lfs else None, None) for f in files]


def fetch(files: Sequence[Remote], folder: Path, *, tell: Callable[[str], None]) -> None:
    """Fetch the files into `folder`; what is there already is not fetched again, and a file cut short goes on.

    Every whole file is checked against the digest that the Hub states. Raises `RunError` naming the file otherwise.
    """
    folder.mkdir(parents=True, exist_ok=True)
    missing = [file for file in files if not (folder / file.path).is_file()]
    need, free = sum(file.size for file in missing if file.columns is None), shutil.disk_usage(folder).free
    if need > free:
        raise RunError(
            f"{folder}: {need / 1e9:.1f} GB are needed and {free / 1e9:.1f} GB are free; name another --data"
        )
    for number, file in enumerate(files, 1):
        tell(f"{number} of {len(files)}: {file.repository} {file.path}")
        with hub_errors():
            _columns(file, folder) if file.columns else _whole(file, folder)


def _whole(file: Remote, folder: Path) -> None:
    from huggingface_hub import hf_hub_download

    path = Path(
        hf_hub_download(file.repository, file.path, repo_type="dataset", revision=file.revision, local_dir=folder)
    )
    if file.sha256 is None:
        return
    with path.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if found != file.sha256:
        path.unlink()
        raise RunError(
            f"{path}: came with digest {found[:12]}… instead of {file.sha256[:12]}…, removed; fetch it again"
        )


def _columns(file: Remote, folder: Path) -> None:
    """Some columns of a remote Parquet file: the Hub sends the bytes of these and not the videos beside them."""
    from huggingface_hub import HfFileSystem

    path = folder / file.path
    if path.is_file():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    remote = f"datasets/{file.repository}@{file.revision}/{file.path}"
    # Small reads: the wanted columns lie between videos of megabytes.
    with HfFileSystem().open(remote, "rb", block_size=1 << 18) as source, pq.ParquetFile(source) as parquet:
        names = [name for name in file.columns or () if name in parquet.schema_arrow.names]
        table = parquet.read(columns=names)
    pq.write_table(table, part)
    part.replace(path)


@contextmanager
def hub_errors() -> Iterator[None]:
    """Errors of the Hub and of the disk in words."""
    import httpx
    from huggingface_hub import constants
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

    try:
        yield
    except OfflineModeIsEnabled as error:
        raise RunError("the Hub is not asked, because HF_HUB_OFFLINE is set; unset it to fetch data") from error
    except (HfHubHTTPError, LocalEntryNotFoundError, httpx.HTTPError, ConnectionError) as error:
        reason = " ".join(str(error).split())[:300]
        raise RunError(f"{constants.ENDPOINT}: {reason}; run the same command to go on where it stopped") from error
    except OSError as error:
        raise RunError(f"{error.filename or 'the disk'}: {error.strerror or error}") from error
