"""Modification texts: what differs, how it is said, and what code turns down."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mmret.errors import InputError
from mmret.pipelines.annotate.config import Write
from mmret.pipelines.annotate.describe import Annotation
from mmret.pipelines.annotate.llm import Askers, Prompt
from mmret.pipelines.annotate.project import Outcome, Project, Row
from mmret.pipelines.annotate.records import Clip, Instruction, PairRow
from mmret.pipelines.annotate.write import Task, faults, write_project
from mmret.pipelines.annotate.write.checks import words
from mmret.pipelines.annotate.write.difference import Change, heard_changes, seen_changes
from mmret.pipelines.annotate.write.offline import OfflineWriter

from ....chat_server import ChatServer, answer, chat_server
from ....conftest import write_clip
from ..described import annotation, clip, description, project

DOG = {"source": "animal", "name": "a dog barking", "when": "at the end"}
BOIL = {"source": "thing", "name": "a pot boiling", "when": "throughout"}
LONG = "a slow walk through a market where traders call out their prices"


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("clips")
    return [write_clip(folder / f"{i}.mp4", shade=50 * i, frames=4, seconds=0.5) for i in range(2)]


def task(clips: list[Path], kind: str = "audio-center", source: Any = None, **target: Any) -> Task:
    made: list[Clip] = [clip(path, f"9f3c-{i}") for i, path in enumerate(clips)]
    pair = PairRow(
        id="pair-17",
        source="9f3c-0",
        target="9f3c-1",
        kind=kind,
        visual=0.9,
        audio=0.1,
        split="test",
    )
    one, other = (Annotation.model_validate(annotation(**changes)) for changes in (source or {}, target))
    return Task(pair, one, other, (made[0], made[1]))


def test_what_differs_is_found_point_by_point() -> None:
    one = Annotation.model_validate(annotation())
    assert seen_changes(one, one) == heard_changes(one, one) == []
    other = Annotation.model_validate(
        annotation(
            objects=["Two red cups", "a spoon"], text=[], action=LONG, music="sad piano, slow",
            sounds=[DOG, BOIL | {"when": "at the end"}], content="", language="", voice=["calm man", "whispering"],
        )
    )  # fmt: skip
    assert seen_changes(one, other) == [
        Change("", "a spoon"),
        Change("a cook stirs a pot", "a slow walk through a market …"),
        Change("the words “MENU”", ""),
    ]
    assert heard_changes(one, other) == [
        Change("a pot boiling throughout", "a dog barking and a pot boiling at the end"),
        Change("", "sad piano and slow"),
        Change("“add the salt” being said", ""),
        Change("", "whispering"),
        Change("English speech", ""),
    ]


def test_the_offline_writer_says_what_differs_in_three_ways(clips: list[Path]) -> None:
    outcome = OfflineWriter(Write()).write(task(clips, sounds=[DOG], objects=["a spoon"]))
    assert outcome.record == {
        "pair": "pair-17",
        "phrasings": [
            "Keep the picture as it is and change the sound: replace a pot boiling with a dog barking.",
            "The same picture, but with another sound: a dog barking instead of a pot boiling.",
            "It should look like this, but I want to hear something else: not a pot boiling but a dog barking.",
        ],
        "made_by": "offline",
    }
    both = OfflineWriter(Write(phrasings=1)).write(task(clips, "integrated", sounds=[DOG], objects=[]))
    assert both.record is not None
    assert both.record["phrasings"] == [
        "Change both the picture and the sound: leave out two red cups; replace a pot boiling with a dog barking."
    ]


def test_the_offline_writer_keeps_to_the_length_and_gives_reasons(clips: list[Path]) -> None:
    many = {"sounds": [DOG], "music": "drums", "content": "", "voice": ["a child"]}
    short = OfflineWriter(Write(longest=20)).write(task(clips, **many))
    assert short.record is not None
    for text in short.record["phrasings"]:
        assert len(words(text)) <= 20
        assert "a dog barking" in text  # what tells most comes first
        assert "a child" not in text
    same = OfflineWriter(Write()).write(task(clips, "integrated", sounds=[DOG]))
    assert (same.status, same.reason) == ("rejected", "the annotations do not differ in what is seen")
    tight = OfflineWriter(Write(longest=10)).write(task(clips, sounds=[DOG]))
    assert tight.reason.startswith("no valid text: text 1 has 18 words; 8 to 10 are wanted")
    with pytest.raises(InputError, match="the offline writer has 3, not 4"):
        OfflineWriter(Write(phrasings=4))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("Let a dog bark at the end and leave the pot away.", ""),
        ("Let a dog bark.", "has 4 words; 8 to 80 are wanted"),
        ("Give me the one that is called 9F3C-1 and has a dog.", "names a file or an id: 9F3C-1"),
        ("Give me pair-17 with a dog barking in it at the end.", "names a file or an id: pair-17"),
        ("The clip of secret-film in which a dog barks at the end.", "names a file or an id: secret-film"),
        ("The one in my folder as dog.mp4, where a dog barks.", "names a file or an id: dog.mp4"),
        ("The one 0123456789abcdef in which a dog barks at the end.", "names a file or an id: 0123456789abcdef"),
        ("Unlike the target video, let no dog bark at the end.", "speaks of how it was made: target video"),
        (f"I look for {LONG}, please.", f"copies the description of what is wanted: {' '.join(LONG.split()[:8])}"),
        ("A close-up of a cook who stirs a pot in a kitchen by day, add the salt.", ""),
    ],
)  # fmt: skip
def test_code_finds_what_gives_the_target_away(text: str, fault: str, clips: list[Path]) -> None:
    asked = task(clips, sounds=[DOG], action=LONG)
    assert faults([text], asked, Write(phrasings=1)) == ([f"text 1 {fault}"] if fault else [])
    known = task(clips, source={"action": LONG}, sounds=[DOG], action=LONG)
    assert not [one for one in faults([text], known, Write(phrasings=1)) if "copies" in one]


def test_as_many_texts_as_are_wanted_and_none_twice(clips: list[Path]) -> None:
    text = "Let a dog bark at the end and leave the pot away."
    assert faults([text, text.upper()], task(clips), Write()) == ["3 texts are wanted, not 2", "two texts are the same"]


GOOD = [
    "Let a dog bark at the end and leave the pot away.",
    "No boiling pot this time; a dog should bark at the end.",
    "Instead of the boiling I want a dog that barks at the end.",
]


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chat_server(lambda _: answer(json.dumps({"phrasings": GOOD}), usage=(50, 5))) as made:
        yield made


def paired(folder: Path, clips: list[Path], **write: Any) -> Project:
    made = project(folder, clips, write=write)
    with made:
        for i, sounds in enumerate(([BOIL], [DOG])):
            row = Outcome.accepted(description(f"clip{i}", sounds=sounds))
            made.keep("describe", [Row(id=f"clip{i}", made_by="test", **row.model_dump())])
        pair = PairRow(
            id="pair-0", source="clip0", target="clip1", kind="audio-center", visual=0.9, audio=0.1, split="test"
        )
        made.keep("mine", [Row(id="pair-0", made_by="test", **Outcome.accepted(pair).model_dump())])
    return made


def write(made: Project) -> Counter[Any]:
    with made:
        return write_project(made, Askers.of(made))


def test_a_model_writes_from_both_annotations(server: ChatServer, clips: list[Path], tmp_path: Path) -> None:
    made = paired(tmp_path, clips, by=f"llm:m@{server.address}")
    assert write(made) == write(made) == {"accepted": 1}
    assert made.accepted("write", Instruction) == [Instruction(pair="pair-0", phrasings=GOOD, made_by="llm:m")]
    (body,) = server.bodies
    (part,) = body["messages"][0]["content"]
    for said in ("a dog barking", "a pot boiling", "write about what changes in the sound", "Between 8 and 80 words"):
        assert said in part["text"]
    for name in ("clip0", "clip1", "pair-0", "secret-film"):
        assert name not in part["text"]
    assert Prompt.named("write").digest in (tmp_path / "state" / "calls.jsonl").read_text()


def test_a_model_that_leaks_may_mend_it_once(server: ChatServer, clips: list[Path], tmp_path: Path) -> None:
    leaking = answer(json.dumps({"phrasings": [*GOOD[:2], "The dog of clip1 barks at the end of it."]}))
    server.next = [(200, {}, leaking)]
    assert write(paired(tmp_path / "mended", clips, by=f"llm:m@{server.address}")) == {"accepted": 1}
    assert "text 3 names a file or an id: clip1" in server.bodies[1]["messages"][2]["content"][0]["text"]
    server.next = [(200, {}, leaking)] * 2
    made = paired(tmp_path / "leaked", clips, by=f"llm:m@{server.address}")
    assert write(made) == {"rejected": 1}
    assert made.rows("write")["pair-0"].reason == "no valid answer: text 3 names a file or an id: clip1"


def test_the_offline_writer_in_a_project(clips: list[Path], tmp_path: Path) -> None:
    made = paired(tmp_path, clips)
    assert write(made) == {"accepted": 1}
    (row,) = made.accepted("write", Instruction)
    assert (row.made_by, len(row.phrasings)) == ("offline", 3)
    with made:
        gone = Outcome.rejected("nothing is recognised")
        made.keep("describe", [Row(id="clip1", made_by="test", **gone.model_dump())])
    assert write(made) == {"pending": 1}
    assert made.rows("write")["pair-0"].reason == "not described: clip1"
    with pytest.raises(InputError, match='use "offline" or "llm:MODEL@ADDRESS"'):
        write(paired(tmp_path, clips, by="somebody"))
