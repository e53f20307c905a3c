"""Work dealt out to workers: in the order they are free, in groups, and again where a worker is lost."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mmret.engines import Here, as_done, cluster, open_crew, open_executor, share
from mmret.errors import RunError
from mmret.media import Fault


class Member:
    """A thread that stands for a worker; it notes what it was told."""

    count = 1

    def __init__(self) -> None:
        self.told: list[tuple[str, str | None]] = []
        self._pool = ThreadPoolExecutor(1)

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        self.told.append(arguments)
        return self._pool.submit(function, *arguments)

    def result_of(self, future: Future[Any]) -> Any:
        return future.result()


def test_groups_stay_together_and_the_next_is_told() -> None:
    groups = ["abc", "de", "f", "gh"]
    alone, crew = [Member()], [Member(), Member()]
    for members in (alone, crew):
        done = sorted(share(groups, lambda task, following: task.upper(), members))
        assert done == [(letter, letter.upper()) for letter in "abcdefgh"]
    assert alone[0].told[:6] == [("a", "d"), ("b", "d"), ("c", "d"), ("d", "f"), ("e", "f"), ("f", "g")]
    assert alone[0].told[6:] == [("g", None), ("h", None)]
    orders = ["".join(task for task, _ in member.told) for member in crew]
    assert all(any(group in order for order in orders) for group in groups)


def test_who_is_done_helps_the_others() -> None:
    crew, stuck = [Member(), Member()], threading.Event()

    def work(task: str, _: str | None) -> None:
        if task == "a":
            stuck.wait(60)
        elif task == "e":  # the last of the other's groups, done by who had none left
            stuck.set()

    assert len(list(share("abcde", work, crew))) == 5
    assert stuck.is_set()
    assert crew[0].told[0] == ("a", "c")
    assert ("e", None) in crew[1].told


def test_a_task_is_begun_again_three_times_and_no_more() -> None:
    begun: list[str] = []

    def work(task: str, _: str | None) -> Any:
        begun.append(task)
        lost = task == "poison" or (task == "once" and begun.count("once") == 1)
        return Fault("gone", lost=True) if lost else Fault("its own fault") if task == "bad" else task

    done = dict(share([["once"], ["poison"], ["bad"], ["fine"]], work, [Here()]))
    assert done == {
        "once": "once", "poison": Fault("gone", lost=True), "bad": Fault("its own fault"), "fine": "fine"
    }  # fmt: skip
    assert begun == ["once", "once", "poison", "poison", "poison", "bad", "fine"]


def test_an_error_ends_the_work_and_what_is_under_way_is_given() -> None:
    def work(number: int) -> int:
        if number == 1:
            raise RunError("no")
        return number

    given: list[int] = []
    with pytest.raises(RunError, match="no"):  # noqa: PT012  # what is given before is what is looked at
        for some in as_done(iter(range(100)), work, Here()):
            given += [number for number, _ in some]
    assert given == [0]


def _die(path: Path) -> str:
    """End the process, but only the first time."""
    if path.exists():
        path.unlink()
        os._exit(3)
    return "done"


def test_processes_are_replaced_busy_or_idle(tmp_path: Path) -> None:
    with open_crew("local", 2, gpus=False) as crew:
        (tmp_path / "first").touch()
        assert list(share([[tmp_path / "first"]], _first, crew)) == [(tmp_path / "first", "done")]
        for member in crew:
            pid = member.result_of(member.submit(os.getpid))
            os.kill(pid, 9)
            _until(lambda pid=pid: not Path(f"/proc/{pid}").exists())
            outcome = member.result_of(member.submit(os.getpid))
            assert isinstance(outcome, int) or outcome.lost
            assert isinstance(member.result_of(member.submit(os.getpid)), int)


def _first(path: Path, _: object) -> str:
    return _die(path)


def _until(condition: Callable[[], bool]) -> None:
    limit = threading.Event()
    for _ in range(6000):
        if condition():
            return
        limit.wait(0.01)
    raise AssertionError("waited a minute")


def test_each_process_has_its_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,GPU-5")
    with open_crew("local", 3, gpus=True) as crew:
        seen = [member.result_of(member.submit(os.getenv, "CUDA_VISIBLE_DEVICES")) for member in crew]
    assert seen == ["2", "GPU-5", "2"]


def test_a_cluster_that_says_nothing_is_still_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: Any) -> None:
        raise ConnectionError

    monkeypatch.setattr(cluster, "_ray", lambda: SimpleNamespace(is_initialized=lambda: False, init=refuse))
    with pytest.raises(RunError, match="no Ray cluster can be had at 'there:1'"), cluster.connected("there:1"):
        pass


def test_files_go_to_workers() -> None:
    with open_executor(2, 30.0) as executor:
        done = [pair for some in as_done(["a", "bb", ""], len, executor) for pair in some]
    assert sorted(done) == [("", 0), ("a", 1), ("bb", 2)]
