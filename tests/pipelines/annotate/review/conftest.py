from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .projects import make


@pytest.fixture(scope="package")
def _verified(tmp_path_factory: pytest.TempPathFactory, clip: Path) -> Path:
    return make(tmp_path_factory.mktemp("verified"), clip).parent


@pytest.fixture
def config(_verified: Path, tmp_path: Path) -> Path:
    """Settings of a project of one's own, on which nobody has voted."""
    return Path(shutil.copytree(_verified, tmp_path / "made")) / "config.toml"
