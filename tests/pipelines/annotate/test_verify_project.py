"""Judges at work in a project: a careful one, one that says yes to everything, and an encoder."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from mmret.encoders import registry
from mmret.encoders.base import Spec
from mmret.errors import InputError
from mmret.pipelines.annotate.config import Config, Describe, Endpoint
from mmret.pipelines.annotate.llm import Asker, Calls
from mmret.pipelines.annotate.project import Outcome, Project, Stage
from mmret.pipelines.annotate.records import Description, Instruction, PairRow
from mmret.pipelines.annotate.verify import Case, Findings, Side, standings, verify_project
from mmret.pipelines.annotate.verify.llm import LlmJudge

from ...chat_server import answer, chat_server
from .described import annotation, mini
from .described import clip as clip_of
from .test_mine_pairs import clip
from .test_verify_trust import vote

PAIRS = 20


def make_project(folder, wrong=(), budget=None, pairs=PAIRS, **verify):
    """Pairs of a street and a beach, each with a number of its own; the texts of some are wrong."""
    settings = {"others": 2, "controls": 60, "media": False, **verify}
    sections = {"project": {"folder": folder / "project"}, "verify": settings, "budget": {"max_calls": budget}}
    project = Project(Config.model_validate(sections))
    with project:
        clips, told, rows, texts = [], [], [], []
        for i in range(pairs):
            for what, place in (("s", "street"), ("t", "beach")):
                name = f"{what}{i:02}"
                clips.append(clip(name, f"film{i}", 0, 10).model_copy(update={"sha256": f"{i:03}{what}" * 16}))
                told.append(Description(clip=name, annotation=annotation(scene=f"{place} {i:02}"), made_by="x"))
                project.folder.joinpath("clips").mkdir(exist_ok=True)
                project.clip(name).write_text(f"{place} {i:02}")
            pair = PairRow(
                id=f"{i:016x}",
                source=f"s{i:02}",
                target=f"t{i:02}",
                kind="integrated",
                visual=0.1,
                audio=0.1,
                split="test",
            )
            rows.append(pair)
            scene = f"beach {i + (i in wrong):02}"
            texts.append(Instruction(pair=pair.id, phrasings=[f"Make it {scene}", "Something else"], made_by="x"))
        for stage, named, made in (
            ("segment", clips, clips), ("describe", clips, told), ("mine", rows, rows), ("write", rows, texts)
        ):  # fmt: skip
            outcomes = ((one, Outcome.accepted(row)) for one, row in zip(named, made, strict=True))
            project.settle(Stage(stage, {}, lambda one: one.id), outcomes)
    return project


def said(body):
    """The whole of a question."""
    return "".join(part["text"] for part in body["messages"][0]["content"] if part["type"] == "text")


def judged(**points):
    names = ("true_of_target", "false_of_source", "complete", "unambiguous", "natural")
    return answer(json.dumps({"reason": "looked at it", "criteria": {name: points.get(name, True) for name in names}}))


def careful(body):
    """Reads the request and looks for its scene in the two annotations."""
    text = said(body)
    request = re.search(r"<request>\n(.*?)\n</request>", text, re.DOTALL)[1]
    source, target = re.findall(r'"scene": "(.*?)"', text)[:2]
    return judged(true_of_target=target in request and "not wanted" not in request, false_of_source=source != target)


def yes(body):
    return judged()


def verify(project, cache):
    with project:
        return verify_project(project, cache=cache)


def test_a_judge_that_says_yes_is_exposed_and_makes_no_gold(tmp_path):
    with chat_server(careful) as good, chat_server(yes) as bad:
        names = [f"llm:good@{good.address}", f"llm:bad@{bad.address}"]
        project = make_project(tmp_path, wrong={3, 4}, judges=names)
        counts = verify(project, tmp_path / "cache")
        asked = [said(body) for server in (good, bad) for body in server.bodies]
    assert counts == {"accepted": 2 * PAIRS - 2, "rejected": 2}
    names = ["llm:good", "llm:bad"]
    trust = Findings(project).trust
    assert trust[names[0]].trusted
    assert trust[names[0]].false_accepts.errors == trust[names[0]].false_rejects.errors == 0
    assert trust[names[0]].false_accepts.n == 60
    assert not trust[names[1]].trusted
    assert trust[names[1]].false_accepts.value == 1
    assert "accepts 60 of 60 known-wrong controls" in trust[names[1]].reason
    pairs = [pair.id for pair in project.accepted("mine", PairRow)]
    votes = [vote(pair, who, True) for pair in pairs for who in ("ann", "bob")]
    for trusted, wanted in ((trust.keys() - {names[1]}, PAIRS - 2), ((), 0)):
        found = standings(pairs, Findings(project).verdicts, votes, trusted, 2)
        assert sum(one.status == "gold" for one in found.values()) == wanted
    only_bad = [one for one in Findings(project).verdicts if one.judge == names[1]]
    able = {name for name, one in trust.items() if one.trusted}
    assert {one.status for one in standings(pairs, only_bad, votes, able, 2).values()} == {"pending"}
    # No question tells that it is a control, nor of which pair it was made.
    assert not any(
        word in text for text in asked for word in ("control", "reversed", "exchanged", *pairs, "film", "s00")
    )


def test_controls_come_among_the_others(tmp_path):
    with chat_server(careful) as server:
        project = make_project(tmp_path, judges=[f"llm:good@{server.address}"])
        verify(project, tmp_path)
    order = [row.record["control"] for row in project.rows("verify").values()]
    triplets = np.flatnonzero(~np.array(order))
    assert len(order) == PAIRS + 60 + PAIRS
    assert 30 < triplets.mean() < 70  # of 100; 49.5 where they come anywhere


def test_what_is_judged_is_not_judged_again(tmp_path):
    with chat_server(careful) as server:
        project = make_project(tmp_path, judges=[f"llm:good@{server.address}"])
        first = verify(project, tmp_path)
        asked, state = len(server.bodies), (project.folder / "state" / "verify.jsonl").read_bytes()
        assert verify(project, tmp_path) == first
        assert len(server.bodies) == asked
        assert (project.folder / "state" / "verify.jsonl").read_bytes() == state
        # A text that changes is judged anew, with the controls made of it, and no other.
        with project:
            row = project.rows("write")[f"{7:016x}"]
            text = Instruction(pair=row.id, phrasings=["Make it beach 07, now"], made_by="x")
            project.keep("write", [row.model_copy(update={"record": text.model_dump(mode="json")})])
        verify(project, tmp_path)
        new = [said(body) for body in server.bodies[asked:]]
        assert 1 <= len(new) <= 4
        assert all("beach 07, now" in text for text in new)


def test_a_spent_budget_leaves_the_rest_for_later(tmp_path):
    with chat_server(careful) as server:
        judges = [f"llm:good@{server.address}"]
        counts = verify(make_project(tmp_path, judges=judges, budget=30), tmp_path)
        assert len(server.bodies) == 30
        assert counts["pending"] > 0
        assert sum(counts.values()) == PAIRS
        project = make_project(tmp_path, judges=judges, budget=None)
        assert verify(project, tmp_path) == {"accepted": PAIRS}
        assert len(server.bodies) == PAIRS + 60 + PAIRS  # none twice
    assert Findings(project).trust["llm:good"].trusted


def test_a_judge_without_an_answer_leaves_the_triplet_open(tmp_path):
    with chat_server(lambda body: answer("I would rather not")) as server:
        project = make_project(tmp_path, judges=[f"llm:mute@{server.address}"], controls=4)
        assert verify(project, tmp_path) == {"rejected": PAIRS}
    assert Findings(project).verdicts == []
    assert Findings(project).trust == {}
    assert "no valid answer" in next(iter(project.counts("verify")["rejected"]))


def test_an_unknown_judge_is_named(tmp_path):
    with pytest.raises(InputError, match="no judge 'oracle'"):
        verify(make_project(tmp_path, judges=["oracle"]), tmp_path)
    with pytest.raises(InputError, match="no second opinion"):
        verify(make_project(tmp_path, judges=["llm:a@http://localhost:1/v1", "llm:a@http://localhost:2/v1"]), tmp_path)


@pytest.mark.parametrize("media", [True, False])
def test_what_a_model_is_sent(tmp_path, media):
    """Frames and sound of the two clips under their headings, or their annotations; of others always annotations."""
    source, target = (clip_of(path) for path in mini("cow mooing", "church organ"))
    sides = [
        Side(one, Description(clip=one.id, annotation=annotation(scene=one.id), made_by="x"))
        for one in (source, target)
    ]
    other = Side(
        source.model_copy(update={"id": "other"}),
        Description(clip="other", annotation=annotation(scene="a pier"), made_by="x"),
    )
    case = Case("0" * 16, *sides, "Make it a siren", (other,))
    paths = {one.id: path for one, path in zip((source, target), mini("cow mooing", "church organ"), strict=True)}
    with chat_server(yes) as server:
        asker = Asker(Endpoint(model=f"m@{server.address}"), Calls(tmp_path / "calls.jsonl"))
        judge = LlmJudge(asker, Describe(frames=2, side=64) if media else None, paths.__getitem__)
        (found,) = judge.judge([case])
    assert found.accept
    kinds = [part["type"] for part in server.bodies[0]["messages"][0]["content"]]
    clip_parts = ["text", "image_url", "image_url", "input_audio"]
    assert kinds == ([*clip_parts, *clip_parts, "text"] if media else ["text"])
    text = said(server.bodies[0])
    assert "Make it a siren" in text
    assert "a pier" in text
    assert (source.id in text) != media  # its annotation, whose scene has that name
    if media:
        assert text.index("The source clip") < text.index("The target clip")


class Places:
    """A direction for each place and number that is named in a text or stands in a file."""

    spec = Spec("places", "1", frozenset({"text", "video", "audio"}), frozenset({"text", "video", "audio"}), "", "CC0")

    def __init__(self, options):
        self.preprocessing = {}

    def embed(self, items, side):
        rows = np.zeros((len(items), 2 * PAIRS + 2), np.float32)
        for row, item in zip(rows, items, strict=True):
            texts = [(2.0, item.text or "")]
            if item.video is not None:
                with item.video.open() as file:
                    texts.append((1.0, file.read().decode()))
            for weight, text in texts:
                for place, number in re.findall(r"(street|beach) (\d\d)", text):
                    row[2 * int(number) + (place == "beach")] += weight
        return rows


def test_consistency_of_vectors(tmp_path, monkeypatch):
    """It finds wrong texts, and the controls show that it does not see a negation."""
    monkeypatch.setitem(registry._CLASSES, "places", Places)
    project = make_project(tmp_path, wrong={3, 4}, judges=["consistency:places"], rank=1)
    assert verify(project, tmp_path / "cache") == {"accepted": PAIRS - 2, "rejected": 2}
    (trust,) = Findings(project).trust.values()
    assert trust.by_making["negated"].value == 1
    assert trust.by_making["reversed"].value == trust.by_making["source as target"].value == 0
    assert trust.by_making["exchanged text"].value == 0
    assert trust.false_rejects.value == 0
    assert not trust.trusted
    wrong = [row for row in project.rows("verify").values() if row.status == "rejected" and not row.record["control"]]
    assert {row.reason.partition(":")[0] for row in wrong} == {"not true of target, false of source, unambiguous"}
