"""The state of a project: what is kept, what is done anew, and who may write."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from mmret.errors import InputError, RunError
from mmret.media import Workers
from mmret.pipelines.annotate.config import About, Config
from mmret.pipelines.annotate.project import Outcome, Project, Row, Stage, Threads, run_stage
from mmret.pipelines.annotate.records import Record


class Thing(Record):
    id: str
    content: int = 0
    label: str = ""


def things(count: int) -> list[Thing]:
    return [Thing(id=f"thing-{i}", content=i) for i in range(count)]


def stage(**settings: object) -> Stage:
    return Stage("count", settings, lambda thing: thing.content)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(Config(project=About(folder=tmp_path / "project")))


class Counted:
    """Work that notes what it was asked."""

    def __init__(self, answer: Callable[[Thing], Outcome] = Outcome.accepted) -> None:
        self.asked: list[str] = []
        self._answer = answer

    def __call__(self, thing: Thing) -> Outcome:
        self.asked.append(thing.id)
        return self._answer(thing)


def run(
    project: Project, items: list[Thing], answer: Callable[[Thing], Outcome] = Outcome.accepted, **settings: object
) -> list[str]:
    """Which items were worked on."""
    work = Counted(answer)
    with project, Threads(2) as threads:
        run_stage(project, stage(**settings), items, work, threads)
    return sorted(work.asked)


def test_only_what_changed_is_done_anew(project: Project) -> None:
    items = things(4)
    names = [one.id for one in items]
    assert run(project, items) == names
    assert run(project, items) == []
    assert run(project, items, threshold=1) == names
    items[2] = Thing(id="thing-2", content=20)
    assert run(project, items, threshold=1) == ["thing-2"]
    items[1] = Thing(id="thing-1", content=1, label="decides nothing")
    assert run(project, items, threshold=1) == []
    assert [one.content for one in project.accepted("count", Thing)] == [0, 1, 20, 3]


def test_items_that_are_no_more_are_dropped(project: Project) -> None:
    run(project, things(4))
    assert run(project, things(2)) == []
    assert sorted(project.rows("count")) == ["thing-0", "thing-1"]
    assert run(project, things(3)) == ["thing-2"]


def test_pending_is_tried_again_and_others_are_not(project: Project) -> None:
    outcomes = {
        "thing-0": Outcome.pending("busy: try later"),
        "thing-1": Outcome.rejected("too small: 3"),
        "thing-2": Outcome.rejected("too small: 4"),
        "thing-3": Outcome.accepted(Thing(id="thing-3")),
    }
    run(project, things(4), lambda thing: outcomes[thing.id])
    assert project.counts("count") == {"accepted": {"": 1}, "pending": {"busy": 1}, "rejected": {"too small": 2}}
    assert run(project, things(4)) == ["thing-0"]
    assert project.counts("count") == {"accepted": {"": 2}, "rejected": {"too small": 2}}


def test_an_error_ends_the_run_and_what_was_under_way_is_kept(project: Project) -> None:
    def answer(thing: Thing) -> Outcome:
        if thing.content == 5:
            raise RunError("the server is gone")
        return Outcome.accepted(thing)

    with pytest.raises(RunError, match="the server is gone"):
        run(project, things(40), answer)
    kept = project.rows("count")
    assert {f"thing-{i}" for i in range(5)} <= set(kept)
    assert len(kept) < 12
    assert len(run(project, things(40))) == 40 - len(kept)


def crash(thing: Thing) -> Outcome:
    if thing.content == 1:
        os._exit(3)
    if thing.content == 2:
        raise ValueError("no sense in it")
    return Outcome.accepted(thing)


def test_a_crashed_worker_leaves_its_item_pending(project: Project) -> None:
    with project, Workers(1) as workers:
        found = run_stage(project, stage(), things(4), crash, workers)
    assert found == {"accepted": 2, "pending": 2}
    rows = project.rows("count")
    assert "crashed" in rows["thing-1"].reason
    assert rows["thing-2"].reason == "no sense in it"


def test_a_line_cut_short_is_passed_over(project: Project) -> None:
    run(project, things(3))
    path = project.folder / "state" / "count.jsonl"
    content = path.read_bytes()
    path.write_bytes(content[:-20])
    assert run(project, things(3)) == ["thing-2"] or len(project.rows("count")) == 3
    assert len(project.accepted("count", Thing)) == 3


def test_state_of_another_version_is_named(project: Project) -> None:
    run(project, things(1))
    with pytest.raises(InputError, match=r"count\.jsonl: thing-0 is none of this version's; delete the file"):
        project.accepted("count", Row)
    with (project.folder / "state" / "count.jsonl").open("a") as file:
        file.write('{"id": "thing-0", "status": "perhaps"}\n')
    with pytest.raises(InputError, match=r"count\.jsonl: the line at byte \d+ is none of this version's"):
        project.rows("count")


def test_a_stage_settled_at_once_writes_only_what_is_new(project: Project) -> None:
    def settle(count: int) -> int:
        """Lines after it."""
        with project:
            project.settle(stage(), [(one, Outcome.accepted(one)) for one in things(count)])
        return (project.folder / "state" / "count.jsonl").read_text().count('"status"')

    assert settle(3) == 3
    assert settle(3) == 3
    assert settle(4) == 4
    assert settle(2) == 6
    assert sorted(project.rows("count")) == ["thing-0", "thing-1"]


def test_two_do_not_write_at_once(project: Project) -> None:
    with project:
        with pytest.raises(RunError, match="another process works on this project"), Project(project.config):
            pass
        assert project.rows("count") == {}  # reading needs no lock
    with Project(project.config), pytest.raises(RunError, match="another process"), project:
        pass


def test_nothing_is_written_outside_the_block(project: Project) -> None:
    with pytest.raises(RuntimeError, match="with block"):
        project.keep("count", [Row(id="a", status="accepted", made_by="")])


def slow(folder: Path, thing: Thing) -> Outcome:
    (folder / thing.id).touch()
    return Outcome.accepted(thing)


def test_processes_do_each_item_once(project: Project, tmp_path: Path) -> None:
    with project, Workers(2) as workers:
        assert run_stage(project, stage(), things(9), partial(slow, tmp_path), workers) == {"accepted": 9}
    assert len(list(tmp_path.glob("thing-*"))) == 9
