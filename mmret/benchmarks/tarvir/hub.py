"""Datasets of the Hub by name: `hf:OWNER/NAME`, or `hf:OWNER/NAME@REVISION`."""

from __future__ import annotations

from pathlib import PurePosixPath

from ...errors import InputError
from ..remote import Remote, files_of, hub_errors
from ..rows import SUFFIXES
from .pictures import ENDINGS

_PREFIX = "hf:"
_WANTED = {*SUFFIXES, *ENDINGS, ".tar"}


def is_on_hub(name: str) -> bool:
    """Whether a benchmark's name is one of a dataset of the Hub."""
    return name.startswith(_PREFIX)


def plan_dataset(name: str) -> list[Remote]:
    """The files of tables, labels and pictures, at the commit that the revision, or else the main branch, has now.

    Raises `InputError` for a name that is none, and `RunError` when the Hub cannot be reached or has no such files.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]  # documented under this name

    repository, _, revision = name.removeprefix(_PREFIX).partition("@")
    way_out = "write hf:OWNER/NAME or hf:OWNER/NAME@REVISION"
    if repository.count("/") != 1:
        raise InputError(f"{name!r} is no dataset of the Hub; {way_out}")
    try:
        validate_repo_id(repository)
    except HFValidationError as error:
        raise InputError(f"{name!r} is no dataset of the Hub: {error}; {way_out}") from None
    with hub_errors():
        commit = HfApi().dataset_info(repository, revision=revision or "main").sha
    return files_of(repository, commit or revision or "main", _is_wanted)


def _is_wanted(path: str) -> bool:
    return PurePosixPath(path).suffix.lower() in _WANTED and not any(part.startswith(".") for part in path.split("/"))
