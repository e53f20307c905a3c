"""The composition: which words and frames the backbone gets, for every ablation."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mmret.encoders import Encoder, Options, Spec, create_encoder, fingerprint, registry
from mmret.errors import InputError
from mmret.items import Item, Media, Modality, Side
from mmret.media import Workers

from ..conftest import write_clip

ALL: frozenset[Modality] = frozenset({"text", "image", "video", "audio"})


class Mirror:
    """A backbone that remembers what it was given."""

    spec = Spec("mirror", "1", ALL, ALL, "remembers what it is given", "Apache-2.0", parameters=7)
    given: list[Item] = []  # noqa: RUF012  # read by the tests

    def __init__(self, options: Options) -> None:
        self.preprocessing = {"query_prompt": options.choices.get("query_prompt", "")}

    def embed(self, items: Sequence[Item], side: Side) -> NDArray[np.float32]:
        Mirror.given = list(items)
        return np.ones((len(items), 3), np.float32)


@pytest.fixture
def clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Item]:
    """A source with a text, a document, and a document without sound; their captions are in a file."""
    monkeypatch.setitem(registry._CLASSES, "mirror", Mirror)
    captions = [{"id": "a", "caption": "A dog barks."}, {"id": "b", "caption": "rain"}]
    (tmp_path / "captions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in captions))
    a, b, mute = (write_clip(tmp_path / f"{name}.mp4", seconds=1.0, frames=8, tone=tone, shade=len(name))
                  for name, tone in (("a", 300.0), ("b", 600.0), ("mute", None)))  # fmt: skip
    return [
        Item("q", "now with rain", video=Media(a), audio=Media(a)),
        Item("d", video=Media(b), audio=Media(b)),
        Item("m", video=Media(mute)),
    ]


def make(workers: Workers, tmp_path: Path, **choices: str) -> Encoder:
    given = {"backbone": "mirror", "captions": "both", "captioner": f"file:{tmp_path / 'captions.jsonl'}", **choices}
    made = create_encoder("audiovlm2vec-offline", Options(workers, choices=given, cache=tmp_path / "cache"))
    assert isinstance(made, Encoder)
    return made


QUERY = "Sound of the source video: A dog barks. now with rain"
DOCUMENT = "Sound of the video: rain."


@pytest.mark.parametrize(
    ("choices", "query", "document", "seen"),
    [
        ({}, QUERY, DOCUMENT, {"text", "video"}),
        ({"captions": "document"}, "now with rain", DOCUMENT, {"text", "video"}),
        ({"captions": "query"}, QUERY, None, {"text", "video"}),
        ({"captions": "none"}, "now with rain", None, {"text", "video"}),
        ({"captioner": "none"}, "now with rain", None, {"text", "video"}),
        ({"source_frames": "off"}, QUERY, DOCUMENT, {"text"}),
        ({"sound": "native"}, "now with rain", None, {"text", "video", "audio"}),
        ({"sound": "both"}, QUERY, DOCUMENT, {"text", "video", "audio"}),
        ({"document_caption": "<{caption}>"}, QUERY, "<rain>", {"text", "video"}),
    ],
)
def test_each_ablation_gives_the_backbone_what_it_says(
    workers: Workers,
    tmp_path: Path,
    clips: list[Item],
    choices: dict[str, str],
    query: str,
    document: str | None,
    seen: set[Modality],
) -> None:
    model = make(workers, tmp_path, **choices)
    assert model.embed(clips[:1], "query").shape == (1, 3)
    assert Mirror.given[0].text == query
    assert Mirror.given[0].modalities == seen
    model.embed(clips[1:], "document")
    assert [item.text for item in Mirror.given] == [document, None]
    assert Mirror.given[0].video == clips[1].video


def test_what_is_read_and_the_track_follow_the_choices(workers: Workers, tmp_path: Path, clips: list[Item]) -> None:
    whole = make(workers, tmp_path).spec
    assert whole.query == whole.document == ALL
    assert whole.track == "audio-as-text"
    assert whole.parameters == 7
    assert whole.training_data == Mirror.spec.training_data
    assert whole.weights == ()
    assert make(workers, tmp_path, captions="none").spec.track == "no-audio"
    assert make(workers, tmp_path, sound="native").spec.track == "native-audio"
    assert make(workers, tmp_path, source_frames="off").spec.query == {"text", "audio"}
    assert make(workers, tmp_path, captions="document").spec.query == {"text", "image", "video"}


def test_no_two_settings_share_vectors(workers: Workers, tmp_path: Path, clips: list[Item]) -> None:
    other = tmp_path / "other.jsonl"
    other.write_text('{"id": "a", "caption": "a cat"}\n')
    prints = [
        fingerprint(make(workers, tmp_path, **choices))
        for choices in (
            {},
            {"captions": "query"},
            {"source_frames": "off"},
            {"sound": "both"},
            {"captioner": "none"},
            {"captioner": f"file:{other}"},
            {"backbone": "random"},
            {"backbone.query_prompt": "find"},
            {"silence": "nothing"},
        )
    ]
    assert len(set(prints)) == len(prints)


def test_a_silent_track_is_said_to_be_silent(workers: Workers, tmp_path: Path, clips: list[Item]) -> None:
    from ..benchmarks.test_verify import write_silent

    write_silent(tmp_path / "silent.mp4")
    quiet = Media(tmp_path / "silent.mp4")
    model = make(workers, tmp_path, captioner="tags")
    model.embed([Item("s", video=quiet, audio=quiet)], "document")
    assert Mirror.given[0].text == "Sound of the video: silence."


def test_misuse_is_named(workers: Workers, tmp_path: Path, clips: list[Item]) -> None:
    for choices, words in (
        ({"captions": "some"}, "captions cannot be 'some'"),
        ({"query_caption": "no place"}, "query_caption needs {caption} in it"),
        ({"captioner": "dog"}, "unknown captioner 'dog'"),
        ({"backbone": "dog"}, "unknown model 'dog'"),
        ({"backbone": "bm25"}, "bm25 has no single vector an item and cannot be a part"),
        ({"backbone.nothing": "x"}, "model 'mirror' has no nothing to choose"),
        ({"nothing": "x"}, "model 'audiovlm2vec-offline' has no nothing to choose"),
    ):
        with pytest.raises(InputError, match=words.replace("{", r"\{").replace("}", r"\}")):
            make(workers, tmp_path, **choices)
    missing = replace(clips[1], id="x", audio=clips[2].video)
    with pytest.raises(InputError, match=r"captions\.jsonl: no caption for .*mute\.mp4"):
        make(workers, tmp_path).embed([missing], "document")
