"""Vectors kept on a disk."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mmret.encoders import (
    Options,
    VectorSets,
    VectorStore,
    create_encoder,
    find_encoder,
)
from mmret.errors import RunError
from mmret.items import Item, Side
from mmret.media import Workers

from .sets import Sets


@pytest.fixture(scope="module")
def options(workers: Workers) -> Options:
    return Options(workers=workers, frames=4)


def test_a_store_gives_back_what_was_kept(tmp_path: Path, options: Options) -> None:
    encoder = create_encoder("random", options)
    store = VectorStore(tmp_path, encoder, "query")
    vectors = np.arange(6, dtype=np.float32).reshape(3, 2)
    assert store.missing(["a", "b", "a"]) == ["a", "b"]
    store.add(["a", "b"], vectors[:2])
    store.add(["c"], vectors[2:])
    again = VectorStore(tmp_path, encoder, "query")
    assert again.missing(["a", "b", "c", "d"]) == ["d"]
    np.testing.assert_array_equal(again.get(["c", "a", "b"]), vectors[[2, 0, 1]])
    assert VectorStore(tmp_path, encoder, "document").missing(["a"]) == ["a"]
    assert VectorStore(tmp_path, create_encoder("random", replace(options, seed=2)), "query").missing(["a"]) == ["a"]


def test_damage_to_a_store_is_noticed_and_costs_its_shard_only(tmp_path: Path, options: Options) -> None:
    encoder = create_encoder("random", options)
    store = VectorStore(tmp_path, encoder, "query")
    for name in "abc":
        store.add([name], np.full((1, 2), ord(name), np.float32))
    (manifest,) = store.folder.glob("manifest-*.jsonl")
    entries = [json.loads(line) for line in manifest.read_text().splitlines() if line]
    shards = {entry["items"][0]: entry["shard"] for entry in entries}
    (store.folder / shards["a"]).unlink()
    raw = bytearray((store.folder / shards["b"]).read_bytes())
    raw[-1] ^= 1
    (store.folder / shards["b"]).write_bytes(raw)
    with manifest.open("a") as file:
        file.write(f"\n{json.dumps({key: entries[2][key] for key in ('shard', 'sha256', 'items')})}\n")  # of old
        file.write('\n{"shard": "half of a li')  # killed while writing
    again = VectorStore(tmp_path, encoder, "query")
    assert again.missing(["a", "b", "c"]) == ["a", "b"]
    assert {path.name for path in again.damaged} == {shards["a"], shards["b"]}
    again.add(["a", "b"], np.zeros((2, 2), np.float32))
    assert VectorStore(tmp_path, encoder, "query").missing(["a", "b", "c"]) == []


def test_a_store_survives_kill_9(tmp_path: Path, options: Options) -> None:
    script = """
import sys, numpy as np
from pathlib import Path
from mmret.encoders import VectorStore, find_encoder
class E:
    spec = find_encoder("random").spec
    preprocessing = {}
store = VectorStore(Path(sys.argv[1]), E(), "query")
for i in range(100_000):
    store.add([f"item-{i}"], np.full((1, 8), i, np.float32))
    print(i, flush=True)
"""

    class Plain:
        spec = find_encoder("random").spec
        preprocessing: Mapping[str, Any] = {}

        def embed(self, items: Sequence[Item], side: Side) -> NDArray[np.float32]:
            raise AssertionError

    for round_ in range(3):
        command = [sys.executable, "-c", script, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(0.05 * (round_ + 1))
            os.kill(process.pid, signal.SIGKILL)
            done = [int(line) for line in process.stdout.read().split()]
        store = VectorStore(tmp_path, Plain(), "query")
        kept = [f"item-{i}" for i in range(max(done, default=0) + 1)]
        assert store.missing(kept) == []
        np.testing.assert_array_equal(store.get(kept)[:, 0], np.arange(len(kept)))


def test_a_store_keeps_sets_of_vectors(tmp_path: Path, options: Options) -> None:
    store = VectorStore(tmp_path, Sets(options), "query")
    vectors = np.arange(24, dtype=np.float32).reshape(12, 2)
    assert store.width is None
    store.add(["a", "b"], VectorSets.of([vectors[:5], vectors[5:6]]))
    store.add(["c"], VectorSets.of([vectors[6:]]))
    for kept in (store, VectorStore(tmp_path, Sets(options), "query")):
        assert kept.missing(["a", "b", "c", "d"]) == ["d"]
        assert kept.width == 2
        found = kept.get(["c", "a", "b", "a"])
        for row, expected in zip(found, (vectors[6:], vectors[:5], vectors[5:6], vectors[:5]), strict=True):
            np.testing.assert_array_equal(row, expected)
    shard = next(path for path in store.folder.glob("*.npy") if np.load(path)[0, 0] == 0)
    shard.write_bytes(shard.read_bytes()[:-1])
    assert VectorStore(tmp_path, Sets(options), "query").missing(["a", "b", "c"]) == ["a", "b"]


def test_a_store_that_cannot_be_written_says_so(tmp_path: Path, options: Options) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"vector store cannot be used.*--cache"):
        VectorStore(tmp_path / "file", create_encoder("random", options), "query")
    store = VectorStore(tmp_path, create_encoder("random", options), "query")
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, usual[1]))  # files may not grow beyond 1,000 bytes
    try:
        with pytest.raises(RunError, match="File too large"):
            store.add(["a"], np.zeros((1, 1000), np.float32))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert VectorStore(tmp_path, create_encoder("random", options), "query").missing(["a"]) == ["a"]
    store.add(["a"], np.zeros((1, 1000), np.float32))
    assert store.missing(["a"]) == []
