"""What a dataset repository of the Hub holds, and how its errors are told."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..errors import RunError


@dataclass(frozen=True)
class Remote:
    """One file of a dataset repository at a revision.

    Parameters
    ----------
    size: bytes of the whole file.
    digest: what the Hub states of the whole file, in hex: its SHA-256, or for a small file Git's SHA-1 of a blob.
    columns: the columns wanted of a Parquet file; None for the whole file.
    """

    repository: str
    revision: str
    path: str
    size: int
    digest: str
    columns: tuple[str, ...] | None = None

    def is_at(self, path: Path) -> bool:
        """Whether this whole file lies there, by size and digest."""
        return path.is_file() and path.stat().st_size == self.size and _digest(path, self.digest) == self.digest


def _digest(path: Path, like: str) -> str:
    """The digest of a file, of the same kind as another."""
    with path.open("rb") as content:
        if len(like) == hashlib.sha256().digest_size * 2:
            return hashlib.file_digest(content, "sha256").hexdigest()
        head = f"blob {path.stat().st_size}\0".encode()
        return hashlib.sha1(head + content.read(), usedforsecurity=False).hexdigest()


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
    for file in files:
        if file.path.startswith("/") or ".." in PurePosixPath(file.path).parts:
            raise RunError(f"{repository} at {revision[:12]}: {file.path!r} would lie outside of the data folder")
    return [Remote(repository, revision, f.path, f.size, f.lfs.sha256 if f.lfs else f.blob_id) for f in files]


@contextmanager
def hub_errors() -> Iterator[None]:
    """Errors of the Hub and of the disk in words."""
    from huggingface_hub import constants
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    # The library has changed its HTTP client, whose errors are no errors of the operating system.
    client_error: type[Exception] = HfHubHTTPError.__bases__[0]
    try:
        yield
    except OfflineModeIsEnabled as error:
        raise RunError("the Hub is not asked, because HF_HUB_OFFLINE is set; unset it to fetch data") from error
    except (client_error, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise RunError(f"{error.filename or 'the disk'}: {error.strerror or error}") from error
        reason = " ".join(str(error).split())[:300]
        raise RunError(f"{constants.ENDPOINT}: {reason}; run the same command to go on where it stopped") from error
