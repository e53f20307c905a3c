"""Whoever embeds, whoever is killed, and wherever it stops: the result is the undisturbed one, byte for byte."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from mmret.encoders import Memory, Spec
from mmret.errors import InputError, RunError
from mmret.evaluation import Result, Shard, embed_shard, evaluate, load_result
from mmret.evaluation.embedding import embed_sides
from mmret.evaluation.plan import Batch, plan
from mmret.evaluation.replica import Replica
from mmret.items import Item, Media, Side
from mmret.media import Workers
from mmret.meter import Meter

from . import watching
from .slowly import BENCHMARK, MODEL, settings
from .wordy import TEXT

ROOT = Path(__file__).parents[2]
DISTINCT = sum(len({item.digest for item in items}) for items in (BENCHMARK.queries, BENCHMARK.documents))


def essence(result: Result, folder: Path) -> tuple[bytes, str]:
    """Bytes of the run file, and scores."""
    result.save(folder)
    return (folder / "run.parquet").read_bytes(), json.dumps(result.record["scores"])


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, str]:
    cache = tmp_path_factory.mktemp("undisturbed")
    return essence(evaluate(BENCHMARK, MODEL, settings(cache)), cache / "result")


def script(what: str, cache: Path, before: Sequence[str] = ()) -> str:
    """Run a function of `slowly` in a process of its own, and give what it prints."""
    command = [*before, sys.executable, "-m", "tests.evaluation.slowly", what, str(cache)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120).stdout


def embedded(cache: Path) -> int:
    """How many items were embedded, those twice that were embedded twice."""
    return sum(len(line.split()) - 1 for line in (cache / "calls").read_text().splitlines())


def test_a_plan_is_that_of_the_contents_and_keeps_what_shares_media_together(tmp_path: Path) -> None:
    clips = [Media(tmp_path / f"{i}.mp4") for i in range(10)]
    for i, clip in enumerate(clips):
        clip.path.write_bytes(bytes([i]))
    documents = [Item(f"d{i}", video=clip) for i, clip in enumerate(clips)]
    queries = [Item(f"q{i}", text="x" * i, video=clips[i % 5]) for i in range(9)]
    queries += [Item(f"t{i}", text="y" * (40 - i)) for i in range(5)]
    made = plan({"document": documents, "query": queries}, 4)
    assert made == plan({"query": queries[::-1], "document": [*documents, documents[3]][::-1]}, 4)
    assert [(task[0].side, len(task[0].items)) for task in made] == [
        ("document", 4), ("document", 4), ("document", 2), ("query", 4), ("query", 1)
    ]  # fmt: skip
    for task in made[:3]:
        there = {item.video for item in task[0].items}
        assert all(batch.side == "query" and {item.video for item in batch.items} <= there for batch in task[1:])
    assert [item.id for task in made[3:] for item in task[0].items] == ["t4", "t3", "t2", "t1", "t0"]
    assert sum(len(batch.items) for task in made for batch in task) == len(documents) + len(queries)
    assert [task[0].number for task in made] == list(range(5))


def test_ten_kills_lose_no_more_than_the_batches_in_flight(tmp_path: Path, undisturbed: tuple[bytes, str]) -> None:
    script("killed", tmp_path)
    assert essence(evaluate(BENCHMARK, MODEL, settings(tmp_path)), tmp_path / "result") == undisturbed
    assert DISTINCT <= embedded(tmp_path) <= DISTINCT + 10 * 4


def test_two_processes_may_share_a_store(tmp_path: Path, undisturbed: tuple[bytes, str]) -> None:
    script("both_at_once", tmp_path)
    assert (tmp_path / "one" / "run.parquet").read_bytes() == undisturbed[0]
    assert (tmp_path / "two" / "run.parquet").read_bytes() == undisturbed[0]
    calls = embedded(tmp_path)
    assert essence(evaluate(BENCHMARK, MODEL, settings(tmp_path)), tmp_path / "result") == undisturbed
    assert embedded(tmp_path) == calls  # all of it is known


def test_a_disk_that_runs_full_stops_the_run_and_costs_one_batch(
    tmp_path: Path, undisturbed: tuple[bytes, str]
) -> None:
    command = ["unshare", "--map-root-user", "--mount"]
    if subprocess.run([*command, "true"], check=False).returncode:
        pytest.skip("no disk may be mounted here")
    store, result, left = script("without_room", tmp_path, command).splitlines()
    assert store.endswith("the vector store cannot be used: No space left on device; free some space or name another "
                          "folder with --cache; what was stored before is kept")  # fmt: skip
    assert ": the result cannot be written: " in result
    assert "No space left on device" in result
    assert left == "[]"
    assert DISTINCT <= embedded(tmp_path) <= DISTINCT + 4
    assert (tmp_path / "result" / "run.parquet").read_bytes() == undisturbed[0]
    assert json.dumps(load_result(tmp_path / "result").record["scores"]) == undisturbed[1]


@pytest.mark.parametrize("count", [2, 8])
def test_workers_change_nothing_and_one_may_die(count: int, tmp_path: Path, undisturbed: tuple[bytes, str]) -> None:
    if count == 2:
        (tmp_path / "die").touch()
    result = evaluate(BENCHMARK, MODEL, settings(tmp_path, replicas=count, workers=2))
    assert essence(result, tmp_path / "result") == undisturbed
    assert embedded(tmp_path) == DISTINCT
    assert not (tmp_path / "die").exists()
    assert result.record["settings"]["resolved"]["replicas"] == count
    elsewhere = result.record["cost"]["elsewhere"]
    assert elsewhere["embed document"]["items"] + elsewhere["embed query"]["items"] == DISTINCT


def test_a_batch_that_kills_every_worker_is_named(tmp_path: Path) -> None:
    (tmp_path / "poison").write_text("q0059")
    words = r"batch \d+ \(query .*q0059.*\): the replica crashed \(exit code -9\), 3 times; what was embedded before"
    with pytest.raises(RunError, match=words):
        evaluate(BENCHMARK, MODEL, settings(tmp_path, replicas=2, workers=2))


def test_shards_are_merged(tmp_path: Path, undisturbed: tuple[bytes, str]) -> None:
    left = []
    for number in (2, 0, 1):
        part = embed_shard(BENCHMARK, MODEL, Shard(number, 3), settings(tmp_path))
        assert part.embedded in (part.batches // 3, part.batches // 3 + 1)
        left.append(part.left)
    assert left == [part.batches - part.batches // 3, part.batches - 2 * (part.batches // 3) - part.batches % 3, 0]
    assert embedded(tmp_path) == DISTINCT
    assert essence(evaluate(BENCHMARK, MODEL, settings(tmp_path)), tmp_path / "result") == undisturbed
    assert embedded(tmp_path) == DISTINCT
    for wrong in ("3/3", "1", "a/b", "-1/2"):
        with pytest.raises(InputError, match="--shard takes I/N"):
            Shard.parse(wrong)


@pytest.mark.parametrize("replicas", [1, 2])
def test_a_clip_is_decoded_once_though_it_is_source_and_document(small: Path, tmp_path: Path, replicas: int) -> None:
    """The loader may forget, for nothing is remembered but what its budget holds."""
    given = settings(tmp_path, replicas=replicas, workers=2)
    cost = evaluate(str(small), watching.MODEL, replace(given, batch_size=2)).record["cost"]
    assert cost["elsewhere"]["decode"]["items"] == 6  # of twelve items


class Cramped:
    """A model on a device that holds no more than five items at a time."""

    spec = Spec("cramped", "1", TEXT, TEXT, "", "")

    def __init__(self, sizes: list[int]) -> None:
        self.preprocessing: Mapping[str, Any] = {}
        self._sizes = sizes

    def embed(self, items: Sequence[Item], side: Side) -> NDArray[np.float32]:
        self._sizes.append(len(items))
        if len(items) > 5 or any(item.text == "too long" for item in items):
            raise torch.OutOfMemoryError("CUDA out of memory")
        return np.array([[int(item.id), 1] for item in items], np.float32)


def test_where_memory_runs_out_batches_are_halved_and_that_is_told(tmp_path: Path) -> None:
    sizes: list[int] = []
    items = [Item(f"{i}", text=f"{i:02}") for i in range(20)]
    with Workers(1) as workers:
        replica = Replica(Cramped(sizes), workers, Meter(), Memory())
        made = embed_sides(
            replica, {"document": items}, tmp_path, batch_size=16, cost_items=0, device="cpu", show=False
        )
        assert sizes == [16, 8, 4, 4, 8, 4, 4, 4]
        np.testing.assert_array_equal(np.asarray(made.vectors["document"])[:, 0], np.arange(20))
        assert made.warnings == [
            "1 batches did not fit into the memory of the device and were embedded in parts: "
            "vectors may differ from those of other devices by rounding"
        ]
        with pytest.raises(RunError, match="q alone does not fit into the memory of the device"):
            replica.embed(Batch(0, "query", (Item("q", text="too long"),)), None)
