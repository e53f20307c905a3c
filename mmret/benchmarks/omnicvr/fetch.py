"""Which files of a release to fetch: labels without the videos stored beside them, clips from the smaller tars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..remote import Remote, files_of
from .original import NAME
from .releases import CLIPS, Release
from .reupload import CONFIGS


def plan(release: Release, parts: Sequence[str]) -> list[Remote]:
    """The files to fetch of the parts "labels" and "videos".

    Raises `RunError` when the Hub cannot be reached or does not have them.
    """
    files: list[Remote] = []
    if "labels" in parts:
        found = files_of(release.labels, release.revision, lambda path: path.endswith(".parquet"))
        for config, names in CONFIGS.items():
            some = [file for file in found if file.path.startswith(f"{config}/")]
            files += [replace(file, columns=tuple(names)) for file in some]
    if "videos" in parts:
        files += files_of(*CLIPS, lambda path: path == NAME or path.endswith(".tar"))
    return files
