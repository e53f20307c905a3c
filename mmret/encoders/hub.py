"""Weights of models: from a local folder, or from the Hub's cache or the Hub; pinned, and missing ones are explained.

A revision is known before any weight is loaded, because it keeps the vectors of different weights apart: the commit
hash of a repository, or the digest of what a folder holds.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError, MmretError, RunError, first_ten
from ..items import Media
from ..media import digest_all

NETWORK_SECONDS = 10.0
_WEIGHTS = (".safetensors", ".bin", ".pt")
_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
# The same weights for other libraries, which many repositories carry as well.
_OTHER_FORMATS = ["*.onnx*", "*.h5", "*.msgpack", "*.ot", "*.gguf", "onnx/*", "openvino/*", "coreml/*"]

# Counters and indices that older files lack and no vector depends on.
_NO_WEIGHTS = ("num_batches_tracked", "position_ids", "token_type_ids", "relative_position_index")


@dataclass(frozen=True)
class Weights:
    """Where the weights of a model lie, made by `resolve`.

    Parameters
    ----------
    reference: folder or ID on the Hub, as given, without a revision.
    revision: commit hash, or "sha256:…" over the files of a local folder.
    folder: the local folder; None for a repository of the Hub.
    size_mb: what a download takes; 0 where it is not known.
    version: branch, tag or commit that was asked for.
    """

    reference: str
    revision: str
    folder: Path | None = None
    size_mb: float = 0.0
    version: str = "main"

    def fetch(self, *patterns: str) -> Path:
        """The folder that holds the files, those that match `patterns` where some are given.

        What is missing is downloaded. Raises `RunError` when that is not possible.
        """
        if self.folder is not None:
            return self.folder
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import LocalEntryNotFoundError

        what: dict[str, Any] = {"allow_patterns": list(patterns)} if patterns else {"ignore_patterns": _OTHER_FORMATS}
        what |= {"etag_timeout": NETWORK_SECONDS}
        with self.loading():
            try:  # what is in the cache needs no network
                return Path(snapshot_download(self.reference, revision=self.revision, local_files_only=True, **what))
            except LocalEntryNotFoundError:
                # By the version's name, so that the cache remembers what it means.
                found = Path(snapshot_download(self.reference, revision=self.version, **what))
            if found.name != self.revision:
                raise RunError(f"{self.reference}: {self.version} has changed on the Hub just now; run this again")
            return found

    @contextmanager
    def loading(self) -> Iterator[None]:
        """Turn whatever a library raises while it reads the weights into a `RunError` that says the way out."""
        try:
            yield
        except MmretError:
            raise
        # Each library has errors of its own for a file that is missing, cut short or of another model.
        except Exception as error:
            raise RunError(
                f"{self.reference}: cannot be loaded: {said(error)}; {self._way_out('complete or replace it')}"
            ) from error

    def require_kind(self, folder: Path, *kinds: str) -> None:
        """Raise `RunError` where the `config.json` of a folder names another kind of model than these.

        transformers only warns, and draws the weights of a whole model of the wanted kind.
        """
        found = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type")
        if found not in kinds:
            wanted = " or ".join(map(repr, kinds))
            raise RunError(f"{self.reference}: holds a model of kind {found!r}, where one of kind {wanted} is needed")

    def require_all(self, info: Mapping[str, Any]) -> None:
        """Raise `RunError` where transformers, asked for `output_loading_info`, left weights as it drew them."""
        lacking = [str(key) for kind in ("missing_keys", "mismatched_keys") for key in info.get(kind, ())]
        drawn = sorted(key for key in lacking if not key.endswith(_NO_WEIGHTS))
        if drawn:
            raise RunError(
                f"{self.reference}: lacks weights of the model, or has them in another shape: {first_ten(drawn)}; "
                f"{self._way_out('name a folder of this kind of model')}"
            )

    def _way_out(self, folder: str) -> str:
        return f"{folder}, or name another" if self.folder is not None else _download(self)


def in_cache(reference: str) -> bool:
    """Whether the weights of an ID of the Hub lie in its cache. The network is not asked."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    snapshots = Path(constants.HF_HUB_CACHE, repo_folder_name(repo_id=reference, repo_type="model"), "snapshots")
    return any(path.is_file() and path.suffix in _WEIGHTS for path in snapshots.rglob("*"))


def resolve(reference: str, *, cache: Path | None = None, size_mb: float = 0.0) -> Weights:
    """Find out what a reference means: a local folder, or an ID on the Hub, of which "ID@revision" names a version.

    A folder goes before an ID of the same name. The network is asked only for an ID that is not in the Hub's cache.

    Parameters
    ----------
    cache: mmret's cache folder, where digests of large files are remembered; see `mmret.encoders.Options`.
    size_mb: what a download takes, for the message.

    Raises `InputError` for what is neither, and for an ID that is not here while the Hub cannot be reached.
    """
    folder = local_path(reference)
    if reference and folder.is_dir():
        return Weights(reference, _digest(folder, cache), folder)
    name, _, version = reference.partition("@")
    version = version or "main"
    if not _ID.fullmatch(name) or name.startswith("."):
        raise InputError(f"{reference}: no such folder, and no ID of the Hub such as org/name or org/name@revision")
    return Weights(name, _commit(name, version, size_mb), None, size_mb, version)


def local_path(reference: str) -> Path:
    """The path that a reference would be; "~nobody/x", where nobody of that name lives, stays as it is."""
    try:
        return Path(reference).expanduser()
    except RuntimeError:
        return Path(reference)


def _commit(name: str, version: str, size_mb: float) -> str:
    """The commit that a version means: by the Hub's cache, else by the Hub."""
    from huggingface_hub import HfApi, constants
    from huggingface_hub.file_download import repo_folder_name

    if _COMMIT.fullmatch(version):
        return version
    known = Path(constants.HF_HUB_CACHE, repo_folder_name(repo_id=name, repo_type="model"), "refs", version)
    if known.is_file():
        return known.read_text().strip()
    try:
        found = HfApi().model_info(name, revision=version, timeout=NETWORK_SECONDS).sha
    except Exception as error:  # the classes of network errors differ between versions of the library
        wanted = Weights(name, version, None, size_mb, version)
        raise InputError(
            f"{name}: no such folder, not in the Hub's cache, and the Hub does not answer: {said(error)}; "
            f"{_download(wanted)}"
        ) from error
    return str(found)


def _download(weights: Weights) -> str:
    version = "" if weights.version == "main" else f" --revision {weights.version}"
    size = f" ({weights.size_mb:,.0f} MB)" if weights.size_mb else ""
    return (
        f"where there is a network: hf download {weights.reference}{version}{size}; "
        "or name a local folder that holds the files"
    )


def _digest(folder: Path, cache: Path | None) -> str:
    """Digest of names and contents of a folder's files, but for hidden ones and texts for readers."""
    files = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and path.suffix != ".md"
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    media = [Media(path) for path in files]
    digest_all(media, cache)
    lines = [f"{one.path.relative_to(folder).as_posix()} {one.digest}\n" for one in media]
    return f"sha256:{hashlib.sha256(''.join(lines).encode()).hexdigest()[:32]}"


def said(error: Exception) -> str:
    """Kind and first line of an error."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
