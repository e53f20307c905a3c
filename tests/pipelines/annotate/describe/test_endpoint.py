"""Descriptions by a server: what it is sent, and what becomes of each clip."""

from __future__ import annotations

import base64
import io
import json
import wave
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from mmret.errors import InputError, RunError
from mmret.pipelines.annotate.describe import Annotation, describe_project
from mmret.pipelines.annotate.llm import Askers
from mmret.pipelines.annotate.project import Project
from mmret.pipelines.annotate.records import Description

from ....chat_server import ChatServer, answer, chat_server
from ....conftest import write_clip
from ..described import annotation, project

GOOD = json.dumps(annotation())


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chat_server(lambda _: answer(GOOD, usage=(100, 10))) as made:
        yield made


@pytest.fixture
def clips(tmp_path: Path) -> list[Path]:
    tones: list[float | None] = [440.0, None, 220.0]
    return [write_clip(tmp_path / f"holiday-{i}.mp4", tone=tone, shade=40 * i) for i, tone in enumerate(tones)]


def describe(made: Project) -> Counter[Any]:
    with made:
        return describe_project(made, Askers.of(made))


def by_server(server: ChatServer, folder: Path, clips: list[Path], **more: Any) -> Project:
    settings = {"by": f"endpoint:m@{server.address}", "frames": 3, "side": 32}
    return project(folder, clips, describe=settings | more)


def test_a_server_is_sent_frames_and_sound_and_nothing_else(
    server: ChatServer, clips: list[Path], tmp_path: Path
) -> None:
    made = by_server(server, tmp_path / "project", clips)
    assert describe(made) == {"accepted": 3}
    (first, *_) = made.accepted("describe", Description)
    assert (first.clip, first.made_by) == ("clip0", "endpoint:m")
    assert Annotation.model_validate(first.annotation).heard.speech.voice == ["calm man"]
    sent = [[part["type"] for part in body["messages"][0]["content"]] for body in server.bodies]
    assert sorted(map(len, sent)) == [4, 5, 5]
    assert max(sent, key=len) == ["image_url"] * 3 + ["input_audio", "text"]
    parts = max((body["messages"][0]["content"] for body in server.bodies), key=len)
    with Image.open(io.BytesIO(base64.b64decode(parts[0]["image_url"]["url"].partition("base64,")[2]))) as image:
        assert (image.format, image.size) == ("JPEG", (32, 32))
    with wave.open(io.BytesIO(base64.b64decode(parts[3]["input_audio"]["data"]))) as file:
        assert (file.getframerate(), file.getnframes()) == (16_000, pytest.approx(32_000, rel=0.1))
    words = json.dumps([body["messages"][0]["content"][-1] for body in server.bodies])
    assert not [name for name in ("secret-film", "holiday", "clip0", "CC0", str(tmp_path)) if name in words]


def test_nothing_is_asked_twice_and_only_what_changed_again(
    server: ChatServer, clips: list[Path], tmp_path: Path
) -> None:
    made = by_server(server, tmp_path / "project", clips)
    describe(made)
    (made.folder / "state" / "describe.jsonl").unlink()  # as if killed before the rows were kept
    assert describe(made) == {"accepted": 3}
    assert len(server.bodies) == 3
    other = by_server(server, tmp_path / "project", clips, frames=2)
    assert describe(other) == {"accepted": 3}
    assert len(server.bodies) == 6


def test_each_clip_ends_with_a_reason(server: ChatServer, clips: list[Path], tmp_path: Path) -> None:
    nothing = annotation(scene="", action="", objects=[], text=[], content="", sounds=[])
    clips[2].write_bytes(b"no film")
    server.reply = lambda body: answer(json.dumps(nothing) if len(body["messages"]) == 1 else "no")
    settings = {"describe": {"by": f"endpoint:m@{server.address}"}}
    made = project(tmp_path / "project", [clips[0], clips[2]], **settings)
    assert describe(made) == {"rejected": 1, "pending": 1}
    rows = made.rows("describe")
    assert rows["clip0"].reason == "no valid answer: the answer: Invalid JSON: expected ident at line 1 column 2"
    assert rows["clip1"].reason.startswith("the clip cannot be read: ")
    made = project(tmp_path / "project", [clips[0], clips[2], clips[1]], **settings, budget={"max_calls": 2})
    assert describe(made) == {"rejected": 1, "pending": 2}
    spent = "budget: 2 calls are made; raise it with --max-calls"
    assert [made.rows("describe")[name].reason for name in ("clip1", "clip2")] == [spent, spent]


def test_a_server_that_is_away_ends_the_run(clips: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmret.pipelines.annotate.llm.asker.PAUSES", ())
    with pytest.raises(RunError, match="start it or mend the address"):
        describe(project(tmp_path / "project", clips, describe={"by": "endpoint:m@http://127.0.0.1:9/v1"}))
    for by in ("nobody", "endpoint:", "omni"):
        with pytest.raises(InputError, match='use "offline", "endpoint:MODEL@ADDRESS" or "omni:WEIGHTS"'):
            describe(project(tmp_path / "project", clips, describe={"by": by}))
