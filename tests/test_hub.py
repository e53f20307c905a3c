"""Where weights come from, and what is said when they do not."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mmret.encoders.hub import Weights, resolve
from mmret.errors import InputError, RunError

from .hub import serve

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def _offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library reads its environment when it is imported, which may have been before."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))


def folder(path: Path, **files: str) -> Path:
    path.mkdir(parents=True)
    for name, content in files.items():
        (path / name).write_text(content)
    return path


def test_a_folder_is_known_by_what_it_holds(tmp_path: Path) -> None:
    one = folder(tmp_path / "one", config="a", weights="b")
    same = folder(tmp_path / "same", config="a", weights="b", **{"README.md": "c", ".hidden": "d"})
    other = folder(tmp_path / "other", config="a", weights="c")
    moved = folder(tmp_path / "moved", config="b", weights="a")
    revisions = [resolve(str(path)).revision for path in (one, same, other, moved)]
    assert revisions[0] == revisions[1]
    assert len(set(revisions)) == 3
    assert resolve(str(one)).fetch() == one
    (one / "weights").write_text("changed")
    assert resolve(str(one)).revision != revisions[0]


@pytest.mark.usefixtures("_offline")
def test_a_cached_repository_needs_no_network(tmp_path: Path) -> None:
    repository = tmp_path / "hub" / "models--org--name"
    snapshot = folder(repository / "snapshots" / COMMIT, **{"config.json": "{}"})
    folder(repository / "refs", main=COMMIT, v1="f" * 40)
    weights = resolve("org/name")
    assert weights == Weights("org/name", COMMIT)
    assert weights.fetch() == snapshot
    assert resolve(f"org/name@{COMMIT}").fetch() == snapshot
    assert resolve("org/name@v1").revision == "f" * 40
    with pytest.raises(RunError, match=r"org/name: .*hf download org/name --revision v1; or name a local"):
        resolve("org/name@v1").fetch()


@pytest.mark.usefixtures("_offline")
def test_missing_weights_answer_with_the_command() -> None:
    start = time.perf_counter()
    with pytest.raises(InputError, match=r"org/name: .*hf download org/name \(1,234 MB\); or name a local folder"):
        resolve("org/name", size_mb=1234)
    with pytest.raises(InputError, match=r"hf download org/name --revision v2;"):
        resolve("org/name@v2")
    assert time.perf_counter() - start < 5


@pytest.mark.usefixtures("_offline")
@pytest.mark.parametrize("reference", ["/no/such/folder", "./folder", "a/b/c", "", "two words", "~nobody-here/x"])
def test_what_is_no_folder_and_no_id_is_refused(reference: str) -> None:
    with pytest.raises(InputError, match="no such folder, and no ID of the Hub"):
        resolve(reference)


FETCH = """
import sys
from mmret.encoders.hub import resolve
from mmret.errors import MmretError
for wanted in sys.argv[1:]:
    name, *patterns = wanted.split()
    try:
        weights = resolve(name)
        print(weights.revision, *sorted(path.name for path in weights.fetch(*patterns).iterdir()))
    except MmretError as error:
        print(error)
"""


def test_what_is_fetched_once_is_there_without_a_network(tmp_path: Path) -> None:
    folder(tmp_path / "far", **{"config.json": "{}", "model.safetensors": "weights", "model.onnx": "weights"})

    def fetch(*wanted: str, **environment: str) -> list[str]:
        own = {"HF_HOME": str(tmp_path / "home"), "HF_HUB_DISABLE_XET": "1", "HF_HUB_OFFLINE": "0", **environment}
        command = [sys.executable, "-c", FETCH, *wanted]
        return subprocess.run(command, env=os.environ | own, capture_output=True, text=True, check=True).stdout.split(
            "\n"
        )

    whole = f"{'1' * 40} config.json model.safetensors"
    with serve({"org/name": tmp_path / "far"}) as hub:
        config, first, second, unknown, _ = fetch(
            "org/name *.json", "org/name", "org/name", "org/other", HF_ENDPOINT=hub.url
        )
        assert config == f"{'1' * 40} config.json"
        assert first == second == whole
        assert "hf download org/other" in unknown
        assert hub.sent["model.safetensors"] == len("weights")
        assert hub.sent["model.onnx"] == 0
    start = time.perf_counter()
    assert fetch("org/name", HF_HUB_OFFLINE="1")[0] == whole
    known, unknown, _ = fetch("org/name", "org/other", HF_ENDPOINT=hub.url)  # the server is gone, and nobody said so
    assert known == whole
    assert "hf download org/other" in unknown
    assert time.perf_counter() - start < 60


def test_whatever_a_library_raises_becomes_a_message(tmp_path: Path) -> None:
    local, remote = Weights("here", "sha256:1", tmp_path), Weights("org/name", COMMIT, None, 5)
    with (
        pytest.raises(RunError, match="here: cannot be loaded: KeyError: 'x'; complete or replace it"),
        local.loading(),
    ):
        raise KeyError("x")
    with (
        pytest.raises(RunError, match=r"ValueError: bad; .*hf download org/name \(5 MB\)"),
        remote.loading(),
    ):
        raise ValueError("bad\nmore")
    with pytest.raises(InputError, match="kept"), local.loading():
        raise InputError("kept")
    local.require_all({"missing_keys": set(), "unexpected_keys": {"a"}})
    with pytest.raises(RunError, match=r"here: lacks weights of the model.*: a, b;"):
        local.require_all({"missing_keys": {"b"}, "mismatched_keys": {"a"}})
