"""What `mmret cache` says and removes, over real stores."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

from mmret.cli.cache import app
from mmret.encoders import VectorStore, find_encoder
from mmret.encoders.cache import entries
from mmret.errors import InputError, RunError
from mmret.items import Item, Side
from mmret.lines import Lines


class Named:
    """An encoder of some name."""

    preprocessing: Mapping[str, Any] = {}

    def __init__(self, name: str) -> None:
        self.spec = replace(find_encoder("random").spec, name=name)

    def embed(self, items: Sequence[Item], side: Side) -> NDArray[np.float32]:
        raise AssertionError


def filled(cache: Path, name: str, side: Side = "document", count: int = 3) -> VectorStore:
    """A store with so many shards of one item."""
    store = VectorStore(cache, Named(name), side)
    for i in range(count):
        store.add([f"{name}-{i}"], np.full((1, 100), i, np.float32))
    return store


def shard_of(store: VectorStore, number: int) -> Path:
    return next(path for path in store.folder.glob("*.npy") if np.load(path)[0, 0] == number)


def age(store: VectorStore, days: float) -> None:
    """As if it had been used so many days ago."""
    for path in store.folder.iterdir():
        os.utime(path, (time.time() - days * 86_400,) * 2)


def run(cache: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--cache", str(cache)])


def test_all_that_is_kept_is_listed(tmp_path: Path) -> None:
    filled(tmp_path, "st:/a/model")
    old = filled(tmp_path, "st:/a/model", "query", count=2)
    age(old, 400)
    Lines(tmp_path / "captions", "tags", "0", {"name": "tags"}).add({"sha256": "1"}, {"sha256": "2"}, {"sha256": "1"})
    Lines(tmp_path / "ocr", "rapidocr", "0", {"engine": "rapidocr"}).add({"sha256": "1"})
    found = json.loads(run(tmp_path, "ls", "--json").stdout)
    assert [(one["kind"], one["name"], one["items"]) for one in found] == [
        ("captions", "tags", 2), ("document vectors", "st:/a/model", 3), ("pages", "rapidocr", 1),
        ("query vectors", "st:/a/model", 2),
    ]  # fmt: skip
    assert 3 * 400 < found[1]["size"] < 5000
    assert int(found[1]["used"][:4]) > int(found[3]["used"][:4])
    table = run(tmp_path, "ls").stdout
    assert "st:/a/model" in table
    assert "rapidocr" in table
    assert run(tmp_path / "nothing", "ls", "--json").stdout.strip() == "[]"


def test_damage_is_named_taken_out_and_made_again(tmp_path: Path) -> None:
    store = filled(tmp_path, "a")
    assert run(tmp_path, "verify").exit_code == 0
    flipped, gone = shard_of(store, 0), shard_of(store, 1)
    raw = bytearray(flipped.read_bytes())
    raw[-1] ^= 1
    flipped.write_bytes(raw)
    gone.unlink()
    told = run(tmp_path, "verify")
    assert sorted(told.stdout.splitlines()[-2:]) == sorted([str(flipped), str(gone)])
    assert isinstance(told.exception, RunError)
    assert "2 of 3 files are damaged or gone" in str(told.exception)
    assert "damaged or gone" in run(tmp_path, "gc", "--dry-run").stdout
    assert flipped.exists()
    assert run(tmp_path, "gc", "--yes").exit_code == 0
    assert not flipped.exists()
    assert run(tmp_path, "verify").exit_code == 0
    again = VectorStore(tmp_path, Named("a"), "document")
    assert again.missing(["a-0", "a-1", "a-2"]) == ["a-0", "a-1"]
    again.add(["a-0", "a-1"], np.ones((2, 100), np.float32))
    assert VectorStore(tmp_path, Named("a"), "document").missing(["a-0", "a-1", "a-2"]) == []


def test_what_killed_runs_left_goes_and_what_may_be_in_the_making_stays(tmp_path: Path) -> None:
    store = filled(tmp_path, "a")
    left, new = store.folder / "left.npy", store.folder / "new.part"
    left.touch()  # killed before the first byte
    new.write_bytes(b"x" * 1000)
    os.utime(left, (time.time() - 7200,) * 2)
    with pytest.raises(InputError, match="say --yes"):
        CliRunner().invoke(app, ["gc", "--cache", str(tmp_path)], catch_exceptions=False)
    assert run(tmp_path, "gc", "--yes").stdout == f"{left}: no manifest names it\n"
    assert not left.exists()
    assert new.exists()
    assert VectorStore(tmp_path, Named("a"), "document").missing([f"a-{i}" for i in range(3)]) == []


def test_a_file_that_goes_meanwhile_is_passed_over(tmp_path: Path) -> None:
    store = filled(tmp_path, "a")
    (store.folder / "renamed.part").symlink_to("gone")  # as one that a run at work renames after it was listed
    assert [one["items"] for one in json.loads(run(tmp_path, "ls", "--json").stdout)] == [3]
    assert run(tmp_path, "gc", "--yes").stdout == ""


@pytest.mark.parametrize(
    ("options", "stay"),
    [
        (("--model", "a"), {"b", "c", "new"}),
        (("--older-than", "20"), {"c", "new"}),
        (("--max-gb", "0.000007"), {"c", "new"}),
        (("--max-gb", "0"), {"new"}),
    ],
)
def test_stores_go_by_name_age_and_size_unless_they_are_in_use(
    options: tuple[str, ...], stay: set[str], tmp_path: Path
) -> None:
    for name, days in (("a", 40), ("b", 30), ("c", 10)):
        age(filled(tmp_path, name), days)
    filled(tmp_path, "new")
    told = run(tmp_path, "gc", "--dry-run", *options)
    assert len(entries(tmp_path)) == 4
    assert run(tmp_path, "gc", "--yes", *options).stdout == told.stdout
    assert {entry.name for entry in entries(tmp_path)} == stay
    if "new" in stay and options == ("--max-gb", "0"):
        assert "was used within the last hour and stays" in told.stderr
