"""The desk: what it keeps of votes, and what people see."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from mmret.errors import InputError, RunError
from mmret.pipelines.annotate.config import Config
from mmret.pipelines.annotate.project import Project
from mmret.pipelines.annotate.records import Instruction
from mmret.pipelines.annotate.report import report
from mmret.pipelines.annotate.review import Desk, items_of, open_desk
from mmret.pipelines.annotate.review.desk import View
from mmret.pipelines.annotate.verify import Findings

from .projects import PAIRS, opened


def name_of(view: View) -> str:
    assert view.item is not None
    return view.item.id


def lines(config: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in opened(config).votes.read_text().splitlines() if line]


def test_controls_are_items_like_all_others(config: Path) -> None:
    project = opened(config)
    items = items_of(project)
    controls = {one.case.id for one in Findings(project).human_controls}
    assert len(controls) == 4
    assert {item.id for item in items} == {*PAIRS, *controls}
    assert {len(item.id) for item in items} == {16}
    assert {item.kind for item in items} == {"integrated"}
    assert all(len(item.verdicts) == 1 for item in items)  # those of the judges are among their controls
    places = [i for i, item in enumerate(items) if item.id in controls]
    assert places != list(range(4))
    assert places != list(range(6, 10))
    assert [item.id for item in items_of(project)] == [item.id for item in items]


def test_votes_are_kept_and_found_again(config: Path) -> None:
    with open_desk(opened(config)) as desk:
        first = name_of(desk.view("ann"))
        second = name_of(desk.vote("ann", first, False, "  too\nshort "))
        again = desk.vote("ann", first, False, "")  # as when a page sends it twice
        assert name_of(again) == second
        assert again.last is not None
        assert (again.last.vote.accept, again.last.vote.reason) == (False, "too short")
        assert (again.progress.mine, again.progress.votes, again.progress.decided) == (1, 1, 0)
    (line,) = lines(config)
    assert (line["pair"], line["act"], line["text"]) == (first, "vote", desk.items[first].text)
    with open_desk(opened(config)) as desk:
        view = desk.view("ann")
        assert (name_of(view), view.progress.mine) == (second, 1)
        assert name_of(desk.vote("bob", first, True, "")) != first
        assert desk.view("bob").progress.rate is None
        assert [(one.reviewer, one.accept) for one in Findings(opened(config)).votes] == [("ann", False), ("bob", True)]


def test_undo_is_a_line_too(config: Path) -> None:
    with open_desk(opened(config)) as desk:
        with pytest.raises(InputError, match="no vote to undo"):
            desk.undo("ann")
        first = name_of(desk.view("ann"))
        desk.vote("ann", first, True, "")
        view = desk.undo("ann")
        assert (name_of(view), view.last, view.progress.votes) == (first, None, 0)
        assert Findings(opened(config)).votes == []
        desk.vote("ann", first, False, "")
        assert [line["act"] for line in lines(config)] == ["vote", "undo", "vote"]
        assert [one.accept for one in Findings(opened(config)).votes] == [False]


def test_an_undone_item_that_somebody_else_has_comes_later(config: Path) -> None:
    with open_desk(opened(config)) as desk:
        first = name_of(desk.view("ann"))
        second = name_of(desk.vote("ann", first, True, ""))
        assert name_of(desk.view("bob")) == first
        view = desk.undo("ann")
        assert (name_of(view), "Others have its item now" in view.notice) == (second, True)
        desk.vote("bob", first, True, "")
        assert name_of(desk.vote("ann", second, True, "")) == first


def test_a_vote_stands_once_its_verdicts_were_seen(config: Path) -> None:
    with open_desk(opened(config)) as desk:
        with pytest.raises(InputError, match="vote first"):
            desk.verdicts("ann")
        desk.vote("ann", name_of(desk.view("ann")), True, "")
        assert desk.view("ann").last is not None
        for _ in range(2):
            last = desk.verdicts("ann").last
            assert last is not None
            assert last.final
    with open_desk(opened(config)) as desk, pytest.raises(InputError, match="your vote on it stands"):
        desk.undo("ann")
    assert [line["act"] for line in lines(config)] == ["vote", "verdicts"]


def test_a_vote_on_what_others_have_decided_meanwhile_is_not_kept(config: Path) -> None:
    with open_desk(opened(config)) as desk:
        first = name_of(desk.view("ann"))
        for who in ("bob", "cy"):
            assert desk.vote(who, first, True, "").notice == ""
        view = desk.vote("ann", first, False, "")
        assert "not kept" in view.notice
        assert name_of(view) != first
        assert [one.reviewer for one in Findings(opened(config)).votes] == ["bob", "cy"]


def test_votes_on_a_text_that_was_rewritten_do_not_count(config: Path) -> None:
    with open_desk(opened(config)) as desk:
        desk.vote("ann", PAIRS[0], True, "")
        desk.vote("ann", PAIRS[1], True, "")
        desk.verdicts("ann")
    with opened(config) as project:
        row = project.rows("write")[PAIRS[1]]
        text = Instruction(pair=row.id, phrasings=["Make it beach 01, now"], made_by="x")
        project.keep("write", [row.model_copy(update={"record": text.model_dump(mode="json")})])
    assert [one.pair for one in Findings(project).votes] == [PAIRS[0]]
    with open_desk(project) as desk:
        last = desk.vote("ann", PAIRS[1], False, "").last
        assert last is not None
        assert not last.final
        desk.undo("ann")


def test_names(config: Path) -> None:
    with open_desk(opened(config)) as desk:
        desk.vote(" Ann  Lee ", name_of(desk.view("Ann Lee")), True, "")
        assert desk.view("ann lee").reviewer == "Ann Lee"
        for wrong in ("", " \n", "x" * 61):
            with pytest.raises(InputError, match="1 to 60 characters"):
                desk.view(wrong)
        with pytest.raises(InputError, match="0 to 1000 characters"):
            desk.vote("Ann Lee", name_of(desk.view("Ann Lee")), True, "x" * 1001)
        with pytest.raises(InputError, match="no such item"):
            desk.vote("Ann Lee", "../../x", True, "")
    with open_desk(opened(config), ["Bob", "Ann Lee"]) as desk:
        assert desk.view("bob").reviewer == "Bob"
        with pytest.raises(InputError, match="unknown reviewer 'bop'; known: Ann Lee, Bob"):
            desk.view("bop")


def test_nothing_to_vote_on(tmp_path: Path) -> None:
    project = Project(Config.model_validate({"project": {"folder": tmp_path / "none"}}))
    with pytest.raises(InputError, match="nothing to vote on; run the stages before"):
        open_desk(project).__enter__()
    assert not project.folder.exists()


def test_texts_that_were_turned_down_are_nothing_to_vote_on(config: Path) -> None:
    with opened(config) as project:
        rows = project.rows("write").values()
        project.keep("write", [row.model_copy(update={"status": "rejected", "record": None}) for row in rows])
    with pytest.raises(InputError, match="nothing to vote on"):
        open_desk(project).__enter__()


def test_one_desk_at_a_time(config: Path) -> None:
    with open_desk(opened(config)), pytest.raises(RunError, match="another server takes votes"):
        open_desk(opened(config)).__enter__()


def test_a_line_that_is_no_vote_is_named(config: Path) -> None:
    opened(config).votes.write_text('{"reviewer": "ann", "accept": "perhaps"}\n')
    with pytest.raises(InputError, match=r"votes\.jsonl: the line at byte 0 is no vote"):
        assert Findings(opened(config)).votes


def test_many_at_once_end_with_two_votes_on_everything(config: Path) -> None:
    with open_desk(opened(config)) as desk:
        done = [threading.Thread(target=work, args=(desk, f"p{n}")) for n in range(4)]
        for one in done:
            one.start()
        for one in done:
            one.join()
    votes = Findings(opened(config)).votes
    assert len(votes) == len({(one.pair, one.reviewer) for one in votes}) == 20
    found = report(opened(config))
    assert (found.review.enough, found.review.some, found.review.none, found.review.votes) == (6, 0, 0, 12)


def work(desk: Desk, who: str) -> None:
    view = desk.view(who)
    while view.progress.decided < view.progress.items:
        view = desk.view(who) if view.item is None else desk.vote(who, view.item.id, True, "")
