"""Mining in a project: vectors through the store, rows that survive, an account of what fell out."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest

from mmret.encoders import registry
from mmret.encoders.base import Spec
from mmret.errors import InputError, RunError
from mmret.pipelines.annotate.config import About, Config, Mine
from mmret.pipelines.annotate.mine import calibrate_project, mine_project
from mmret.pipelines.annotate.mine.stage import account
from mmret.pipelines.annotate.project import Outcome, Project, Stage
from mmret.pipelines.annotate.records import Description, PairRow

from .test_mine_pairs import PAPER, clip

CALLS: list[str] = []


class Toy:
    """A file's bytes name a look and a voice, as "3 1": a direction each. "-" is nothing."""

    spec = Spec("toy", "1", frozenset({"video", "audio"}), frozenset({"video", "audio"}), "", "CC0")

    def __init__(self, options):
        self.preprocessing = {}

    def embed(self, items, side):
        CALLS.extend(item.id for item in items)
        rows = np.zeros((len(items), 8), np.float32)
        for row, item in zip(rows, items, strict=True):
            assert len(item.modalities) == 1  # each space is given only what it is about
            with (item.video or item.audio).open() as file:
                look, voice = file.read().decode().split("#")[0].split()
            chosen = look if item.video else voice
            if chosen != "-":
                row[int(chosen)] = 2.0
        return rows


@pytest.fixture
def make_project(tmp_path, monkeypatch):
    monkeypatch.setitem(registry._CLASSES, "toy", Toy)
    CALLS.clear()

    def make(contents, **changes):
        settings = {"visual": "toy", "audio": "toy", "sampled": 500, **PAPER} | changes
        project = Project(Config(project=About(folder=tmp_path / "project"), mine=Mine(**settings)))
        with project:
            project.folder.joinpath("clips").mkdir(exist_ok=True)
            clips = []
            for i, content in enumerate(contents):
                hash_ = sha256(str(i).encode()).hexdigest()
                own = clip(f"c{i:02}", f"film{i}", 0, 10, hash_)
                text = f"{content}#{i}"
                project.clip(own.id).write_text(text)
                clips.append(own.model_copy(update={"sha256": sha256(text.encode()).hexdigest()}))
            project.settle(Stage("segment", {}, str), ((one, Outcome.accepted(one)) for one in clips))
            told = [Description(clip=one.id, annotation={}, made_by="x") for one in clips]
            rows = zip(clips, told, strict=True)
            project.settle(Stage("describe", {}, str), ((one, Outcome.accepted(text)) for one, text in rows))
        return project

    return make


def mined(project, cache):
    with project:
        told = mine_project(project, cache=cache)
    return told, project.accepted("mine", PairRow)


def test_pairs_of_each_kind(make_project, tmp_path):
    """Two looks and two voices: the pairs that share a look differ in voice, and so on."""
    project = make_project(["0 0", "0 1", "1 0", "1 1", "- 1"])
    told, rows = mined(project, tmp_path / "cache")
    kinds = {frozenset((row.source, row.target)): row.kind for row in rows}
    assert all(kinds.get(pair) in (None, "audio-center") for pair in map(frozenset, (["c00", "c01"], ["c02", "c03"])))
    assert {row.kind for row in rows} == {"audio-center", "visual-center", "integrated"}
    assert all(row.visual == 1 and row.audio == 0 for row in rows if row.kind == "audio-center")
    assert all(row.visual == 0 and row.audio == 1 for row in rows if row.kind == "visual-center")
    assert told["clips"] == 5
    assert told["without"] == 1  # c04 shows nothing
    assert "c04" not in {name for row in rows for name in (row.source, row.target)}
    assert account(project) == told
    assert told["splits"]["test"]["audio-center"] == 2


def test_what_is_known_is_not_done_again(make_project, tmp_path):
    project = make_project(["0 0", "0 1", "1 0", "1 1"])
    _, rows = mined(project, tmp_path / "cache")
    state = project.folder / "state" / "mine.jsonl"
    before, called = state.read_bytes(), len(CALLS)
    assert called == 8  # each clip once in each space
    assert mined(project, tmp_path / "cache")[1] == rows
    assert state.read_bytes() == before
    # A run that was killed between the rows and the account does the same again.
    (project.folder / "state" / "mine.json").unlink()
    assert mined(project, tmp_path / "cache")[1] == rows
    assert state.read_bytes() == before
    assert len(CALLS) == called
    changed = make_project(["0 0", "0 1", "1 0", "1 1"], integrated=["visual < -0.5"])
    _, fewer = mined(changed, tmp_path / "cache")
    assert {row.id for row in fewer} == {row.id for row in rows if row.kind != "integrated"}
    assert len(CALLS) == called


def test_only_described_clips(make_project, tmp_path):
    project = make_project(["0 0", "0 1", "1 0", "1 1"])
    with project:
        gone = project.rows("describe")["c00"]
        project.keep("describe", [gone.model_copy(update={"status": "rejected", "reason": "no speech"})])
    _, rows = mined(project, tmp_path / "cache")
    assert rows
    assert "c00" not in {name for row in rows for name in (row.source, row.target)}


def test_calibration_keeps_nothing(make_project, tmp_path):
    project = make_project(["0 0", "0 1", "1 0", "1 1"])
    told = calibrate_project(project, cache=tmp_path / "cache")
    json.dumps(told.describe())
    assert told.together["audio-center"] == pytest.approx(1 / 3, abs=0.1)
    assert not (project.folder / "state" / "mine.jsonl").exists()


def test_what_cannot_be_mined_is_said(make_project, tmp_path, monkeypatch):
    for contents, count in ((["0 0"], 1), ([], 0), (["- 0", "- 1"], 0)):
        with pytest.raises(RunError, match=f"no two of {count} described clips"):
            mined(make_project(contents), tmp_path / "cache")
    monkeypatch.setattr(Toy, "spec", replace(Toy.spec, document=frozenset({"video"})))
    with pytest.raises(InputError, match="'toy' reads no audio"):
        mined(make_project(["0 0", "1 1"]), tmp_path / "cache")
    monkeypatch.setattr(Toy, "spec", replace(Toy.spec, scoring="maxsim"))
    with pytest.raises(InputError, match="no single vector"):
        mined(make_project(["0 0", "1 1"]), tmp_path / "cache")
