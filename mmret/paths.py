"""Where mmret keeps things: what can be made again, and the data of benchmarks."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path, user_data_path

from .config import configured_folder
from .errors import InputError

StrPath = str | os.PathLike[str]


def path_of(given: StrPath | None) -> Path | None:
    """A path that may be left out."""
    return None if given is None else Path(given)


def cache_folder(given: Path | None = None) -> Path:
    """The folder for vectors, media reports and indices.

    It is `given`, else what `MMRET_CACHE` or `cache` in a configuration file names, else the user's cache folder.
    """
    return given or _named("cache") or user_cache_path("mmret")


def data_folder(benchmark: str = "") -> Path:
    """The folder for the data of a benchmark that is fetched, or for those of all where none is named.

    It lies in what `MMRET_DATA` or `data` in a configuration file names, else in the user's data folder.
    """
    return (_named("data") or user_data_path("mmret")) / benchmark


def _named(folder: str) -> Path | None:
    named = os.environ.get(f"MMRET_{folder.upper()}")
    return Path(named) if named else configured_folder(folder)


def usual_folder(benchmark: str) -> Path:
    """The folder in which the data of a named benchmark lie, unless another is named: shipped, or to be fetched."""
    shipped = shipped_folder(benchmark)
    return shipped if shipped.is_dir() else data_folder(benchmark)


def shipped_folder(benchmark: str) -> Path:
    """The folder for the data of a benchmark that is built in; for others there is none."""
    return Path(__file__).parent / "benchmarks" / "data" / benchmark


def refuse_file(folder: Path) -> None:
    """Raise `InputError` where a file stands in the way of an output folder; to be asked before long work."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        raise InputError(f"{there}: is a file; name a folder with --output")
