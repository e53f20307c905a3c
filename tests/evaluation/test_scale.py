"""Whoever embeds, whoever is killed, and wherever it stops: the result is the undisturbed one, byte for byte."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mmret.errors import InputError, RunError
from mmret.evaluation import Result, Shard, embed_shard, evaluate

from .slowly import BENCHMARK, MODEL, settings

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


def script(what: str, cache: Path) -> str:
    """Run a function of `slowly` in a process of its own, and give what it prints."""
    command = [sys.executable, "-m", "tests.evaluation.slowly", what, str(cache)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120).stdout


def embedded(cache: Path) -> int:
    """How many items were embedded, those twice that were embedded twice."""
    return sum(len(line.split()) - 1 for line in (cache / "calls").read_text().splitlines())


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


def test_a_disk_without_room_stops_the_run_and_costs_one_batch(tmp_path: Path, undisturbed: tuple[bytes, str]) -> None:
    assert "the vector store cannot be used: File too large; free some space" in script("without_room", tmp_path)
    before = embedded(tmp_path)
    assert 8 < before < DISTINCT
    assert essence(evaluate(BENCHMARK, MODEL, settings(tmp_path)), tmp_path / "result") == undisturbed
    assert embedded(tmp_path) <= DISTINCT + 4


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
