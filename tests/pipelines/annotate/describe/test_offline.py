"""Descriptions without a language model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from mmret.errors import InputError
from mmret.pipelines.annotate.config import Describe
from mmret.pipelines.annotate.describe import Annotation, describe_project
from mmret.pipelines.annotate.describe.offline import OfflineDescriber, when
from mmret.pipelines.annotate.llm import Askers
from mmret.pipelines.annotate.records import Description

from ..described import clip, mini, project


def test_things_sounds_and_words_are_named() -> None:
    describer = OfflineDescriber(Describe(frames=2))
    heard = []
    for path in mini("dog barking", "weather report", "violin"):
        outcome = describer.describe(clip(path), path)
        assert outcome.record is not None
        assert outcome.record["made_by"] == "offline"
        heard.append(Annotation.model_validate(outcome.record["annotation"]).heard)
    dog, weather, violin = heard
    assert {"dog", "animal"} & {sound.name for sound in dog.sounds if sound.source == "animal"}
    assert "rain" in weather.speech.content
    assert "violin" in violin.music
    assert not violin.speech.content
    assert "violin" in violin.course


def test_the_stage_describes_in_processes(tmp_path: Path) -> None:
    made = project(tmp_path / "project", mini("dog barking"), describe={"frames": 1})
    with made:
        assert describe_project(made, Askers.of(made)) == {"accepted": 1}
        assert describe_project(made, Askers.of(made)) == {"accepted": 1}
    (row,) = made.accepted("describe", Description)
    assert (row.clip, row.made_by) == ("clip0", "offline")


def test_text_on_the_screen_is_read() -> None:
    frame = Image.new("RGB", (480, 120), "white")
    ImageDraw.Draw(frame).text((20, 30), "OPEN DAILY", "black", ImageFont.load_default(48))
    assert OfflineDescriber(Describe())._text([frame] * 4) == ["OPEN DAILY"]


def test_when_a_sound_is_heard() -> None:
    windows = np.zeros((5, 20), bool)
    windows[0], windows[1, :3], windows[2, 9:12], windows[3, 18:], windows[4, ::6] = True, True, True, True, True
    assert list(map(when, windows)) == [
        "throughout", "at the beginning", "in the middle", "at the end", "now and then"
    ]  # fmt: skip
    assert when(np.ones(1, bool)) == "throughout"


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmret.extras.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"needs timm, .*rapidocr; install with: pip install 'mmret\[offline,asr,tabl"):
        OfflineDescriber(Describe())
