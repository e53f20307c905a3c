"""Where mmret keeps things: what can be made again, and the data of benchmarks."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path, user_data_path

from .errors import InputError


def cache_folder(given: Path | None = None) -> Path:
    """The folder for vectors, media reports and indices: `given`, else `MMRET_CACHE`, else the user's cache folder."""
    named = os.environ.get("MMRET_CACHE")
    return given or (Path(named) if named else user_cache_path("mmret"))


def data_folder(benchmark: str) -> Path:
    """The folder for the data of a benchmark that is fetched: in `MMRET_DATA`, else in the user's data folder."""
    named = os.environ.get("MMRET_DATA")
    return (Path(named) if named else user_data_path("mmret")) / benchmark


def shipped_folder(benchmark: str) -> Path:
    """The folder for the data of a benchmark that is built in; for others there is none."""
    return Path(__file__).parent / "benchmarks" / "data" / benchmark


def refuse_file(folder: Path) -> None:
    """Raise `InputError` where a file stands in the way of an output folder; to be asked before long work."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        raise InputError(f"{there}: is a file; name a folder with --output")
