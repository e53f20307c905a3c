"""A real Ray cluster on this machine, whose workers are really killed."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mmret.engines import as_done, cluster, connected, open_crew, open_executor
from mmret.errors import InputError, RunError
from mmret.evaluation import evaluate
from mmret.media import Fault

from ..evaluation.slowly import BENCHMARK, MODEL, settings

# Ray leaves files and sockets to the collector.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(scope="module", autouse=True)
def _cluster() -> Iterator[None]:
    pytest.importorskip("ray")
    with connected("ray"):
        yield


def _first(path: Path, _: object) -> int:
    if path.exists():
        path.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid()


def test_a_killed_worker_is_replaced_and_results_are_the_same(tmp_path: Path) -> None:
    alone, there = tmp_path / "alone", tmp_path / "there"
    alone.mkdir()
    there.mkdir()
    expected = evaluate(BENCHMARK, MODEL, settings(alone))
    (there / "die").touch()
    result = evaluate(BENCHMARK, MODEL, settings(there, engine="ray", replicas=2))
    assert not (there / "die").exists()
    for folder, one in ((alone, expected), (there, result)):
        one.save(folder / "result")
    assert (there / "result/run.parquet").read_bytes() == (alone / "result/run.parquet").read_bytes()
    assert json.dumps(result.record["scores"]) == json.dumps(expected.record["scores"])
    counts = [len((folder / "calls").read_text().splitlines()) for folder in (alone, there)]
    assert counts[0] == counts[1]


def test_a_batch_that_kills_every_worker_is_named(tmp_path: Path) -> None:
    (tmp_path / "poison").write_text("q0059")
    with pytest.raises(RunError, match=r"batch \d+ \(query .*q0059.*a worker on the cluster was lost.*3 times"):
        evaluate(BENCHMARK, MODEL, settings(tmp_path, engine="ray"))


def test_files_are_worked_on_with_a_limit() -> None:
    with open_executor(2, 1.0, "reader", ray="local") as executor:
        done = {item: outcome for some in as_done(["a", "bb"], len, executor) for item, outcome in some}
        assert done == {"a": 1, "bb": 2}
        slow = executor.result_of(executor.submit(time.sleep, 60))
        assert slow == Fault("the reader did not end within 1 s")
        assert executor.result_of(executor.submit(int, "x")) == Fault("invalid literal for int() with base 10: 'x'")


def test_what_a_cluster_lacks_is_said() -> None:
    with (
        pytest.raises(InputError, match=r"the Ray cluster has \d+ CPUs, too few for 1000 workers"),
        cluster.actors(1000),
    ):
        pass
    with pytest.raises(InputError, match="the Ray cluster has 0 GPUs"), open_crew("ray", 1, gpus=True):
        pass
