"""Weights that travel inside installed packages, each pinned by its digest."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ..errors import RunError

_INSTALL = "pip install --force-reinstall 'mmret[offline]'"


@dataclass(frozen=True)
class PackagedFile:
    """A file inside an installed package.

    Parameters
    ----------
    package: importable name of the package; it is located, not imported.
    path: the file's path inside the package.
    sha256: the digest its bytes must have, in hex.
    """

    package: str
    path: str
    sha256: str

    def locate(self) -> Path:
        """Path of the file, once its digest is checked. Raises `RunError` when it is absent or altered."""
        spec = find_spec(self.package)
        folder = Path(next(iter(spec.submodule_search_locations))) if spec and spec.submodule_search_locations else None
        if folder is None or not (folder / self.path).is_file():
            raise RunError(f"package {self.package} does not hold {self.path}; install it again: {_INSTALL}")
        with (folder / self.path).open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != self.sha256:
            raise RunError(
                f"{folder / self.path}: the weights are not the ones mmret was tested with (sha256 {found}, "
                f"expected {self.sha256}); install the pinned version again: {_INSTALL}"
            )
        return folder / self.path
