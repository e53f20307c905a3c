"""fuse: the score is the weighted sum of the parts' cosines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mmret.encoders import Encoder, Options, Spec, create_encoder, encoders, fingerprint, register_encoder, registry
from mmret.encoders.fuse import ClipClap, Fuse, _labels
from mmret.errors import InputError, RunError
from mmret.evaluation import Settings, evaluate
from mmret.items import Item, Media, Side, text_digest
from mmret.media import Workers

from .tiny import tiny_clap, tiny_clip


class Eye:
    """Reads text and pictures: Gaussian vectors of no fixed length, by content, 5 dimensions."""

    spec = Spec("eye", "1", frozenset({"text", "video"}), frozenset({"text", "video"}), "", "MIT", parameters=3)
    width, noun = 5, "video"

    def __init__(self, options: Options) -> None:
        self.preprocessing: Mapping[str, Any] = {"blink": options.choices.get("blink", "no")}

    def embed(self, items: Sequence[Item], side: Side) -> NDArray[np.float32]:
        assert all(item.text is not None or getattr(item, self.noun) is not None for item in items)
        seeds = [int(text_digest(self.noun + str(item.keep(["text", self.noun]).digest)), 16) for item in items]
        drawn = [3 * np.random.default_rng(seed).standard_normal(self.width) for seed in seeds]
        return np.stack(drawn).astype(np.float32)


class Ear(Eye):
    spec = replace(Eye.spec, name="ear", query=frozenset({"audio"}), document=frozenset({"text", "audio"}))
    width, noun = 4, "audio"


@pytest.fixture
def options(workers: Workers, monkeypatch: pytest.MonkeyPatch) -> Options:
    encoders()
    monkeypatch.setattr(registry, "_CLASSES", dict(registry._CLASSES))
    register_encoder(Eye)
    register_encoder(Ear)
    return Options(workers)


def made(reference: str, options: Options, **choices: str) -> Encoder:
    encoder = create_encoder(reference, replace(options, choices=choices))
    assert isinstance(encoder, Encoder)
    return encoder


def media(folder: Path, *names: str) -> list[Media]:
    for name in names:
        (folder / name).write_text(name)
    return [Media(folder / name) for name in names]


def cosines(encoder: Encoder, left: Sequence[Item], right: Sequence[Item]) -> NDArray[np.float32]:
    a, b = np.asarray(encoder.embed(left, "query")), np.asarray(encoder.embed(right, "document"))
    a, b = (one / np.linalg.norm(one, axis=1, keepdims=True) for one in (a, b))
    return a @ b.T


@pytest.mark.parametrize(("reference", "weights"), [("fuse:eye,ear", (0.5, 0.5)), ("fuse:eye=3, ear=1", (0.75, 0.25))])
def test_the_score_is_the_weighted_sum_of_cosines(
    options: Options, tmp_path: Path, reference: str, weights: tuple[float, float]
) -> None:
    clips = media(tmp_path, "a", "b", "c")
    items = [Item(clip.path.name, video=clip, audio=clip) for clip in clips]
    fused = made(reference, options)
    left, right = np.asarray(fused.embed(items, "query")), np.asarray(fused.embed(items[::-1], "document"))
    assert left.shape == (3, 9)
    assert left.dtype == np.float32
    eye, ear = (cosines(made(name, options), items, items[::-1]) for name in ("eye", "ear"))
    np.testing.assert_allclose(left @ right.T, weights[0] * eye + weights[1] * ear, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(left, axis=1), 1, atol=1e-6)


def test_a_part_that_reads_nothing_of_an_item_adds_nothing(options: Options, tmp_path: Path) -> None:
    (clip,) = media(tmp_path, "a")
    items = [Item("text", text="x"), Item("both", video=clip, audio=clip), Item("seen", video=clip)]
    fused = made("fuse:eye=0.9,ear=0.1", options)
    assert fused.spec.query == {"text", "video", "audio"}
    query = np.asarray(fused.embed(items, "query"))
    assert not query[[0, 2], 5:].any()  # an ear that reads no text of a query
    np.testing.assert_allclose(np.linalg.norm(query, axis=1), np.sqrt([0.9, 1, 0.9]), rtol=1e-6)
    document = np.asarray(fused.embed(items, "document"))
    assert document[0, 5:].any()
    alone = np.asarray(made("fuse:eye=0.9,ear=0.1", options).embed(items[2:], "query"))  # its width is still known
    np.testing.assert_array_equal(alone, query[2:])


def test_parts_of_one_kind_and_their_choices(options: Options) -> None:
    plain = made("fuse:eye,ear", options)
    chosen = made("fuse:eye,ear", options, **{"eye.blink": "yes"})
    assert chosen.preprocessing["eye.blink"] == "yes"
    assert chosen.preprocessing["ear.blink"] == "no"
    prints = [fingerprint(one) for one in (plain, chosen, made("fuse:eye=2,ear=1", options))]
    assert len(set(prints)) == 3
    assert chosen.spec.parameters == 6
    assert _labels(["clip:a", "clap", "clip:b"]) == ["clip1", "clap", "clip2"]
    with pytest.raises(InputError, match="has no blink to choose"):
        made("fuse:eye,ear", options, blink="yes")
    with pytest.raises(InputError, match="'eye' has no wink to choose"):
        made("fuse:eye,ear", options, **{"eye.wink": "yes"})


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("fuse", "needs two parts or more"),
        ("fuse:eye", "name two parts or more"),
        ("fuse:eye=1,ear", "all with a weight or none"),
        ("fuse:eye,eye", "named, and once"),
        ("fuse:eye,", "named, and once"),
        ("fuse:eye=0,ear=1", "more than 0"),
        ("fuse:eye=nan,ear=1", "more than 0"),
        ("fuse:eye,bm25", "bm25 has no single vector an item"),
        ("fuse:eye,nose", "unknown model 'nose'"),
    ],
)
def test_what_cannot_be_fused_is_said(options: Options, reference: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        made(reference, options)


def test_a_width_that_nothing_tells_is_an_error(options: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ear, "spec", replace(Ear.spec, document=frozenset({"audio"})))
    with pytest.raises(RunError, match="ear reads nothing of these items"):
        made("fuse:eye,ear", options).embed([Item("t", text="x")], "query")


def test_a_result_comes_of_it(options: Options, small: Path, tmp_path: Path) -> None:
    result = evaluate(str(small), "fuse:eye=0.6,ear=0.4", Settings(cache=tmp_path / "cache", device="cpu"))
    assert result.record["model"]["name"] == "fuse:eye=0.6,ear=0.4"
    assert result.record["warnings"] == []
    weights = result.record["settings"]["resolved"]["preprocessing"]["weights"]
    assert weights == {"eye": 0.6, "ear": 0.4}


def test_clip_and_clap_go_by_their_usual_name(options: Options) -> None:
    assert encoders()["clip+clap"] is ClipClap
    assert issubclass(ClipClap, Fuse)
    with pytest.raises(InputError, match="takes nothing behind a colon"):
        create_encoder("clip+clap:x", options)


def test_a_real_clip_and_a_real_clap_are_fused(options: Options, small: Path, tmp_path: Path) -> None:
    clip, clap = f"clip:local-dir:{tiny_clip(tmp_path / 'clip')}", f"clap:{tiny_clap(tmp_path / 'clap')}"
    videos = [Media(path) for path in sorted((small / "videos").glob("*.mp4"))[:3]]
    items = [Item(video.path.stem, text="a dog", video=video, audio=video) for video in videos]
    fused = made(f"fuse:{clip}=0.7,{clap}=0.3", options, **{"clip.text_weight": "0.2"})
    left = np.asarray(fused.embed(items, "query"))
    parts = [made(clip, options, text_weight="0.2"), made(clap, options)]
    expected = sum(weight * cosines(part, items, items) for weight, part in zip((0.7, 0.3), parts, strict=True))
    np.testing.assert_allclose(left @ np.asarray(fused.embed(items, "document")).T, expected, atol=1e-5)
    assert fused.spec.track == "native-audio"
    assert fused.spec.parameters == sum(part.spec.parameters for part in parts)
    assert made(f"fuse:{clip},tagbridge", options).spec.track == "audio-as-text"
