"""clap against transformers called directly, on real clips, with a tiny model of the real class."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mmret.encoders import Encoder, Options, create_encoder, fingerprint
from mmret.encoders.clap import windows
from mmret.errors import InputError, RunError
from mmret.evaluation import Settings, evaluate
from mmret.items import Item, Media
from mmret.media import ClipRequest, Workers, decode, resample

from ..conftest import write_clip
from .tiny import tiny_clap

RATE = 48_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_clap(tmp_path_factory.mktemp("clap") / "tiny")


@pytest.fixture
def options(workers: Workers) -> Options:
    return Options(workers)


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Media:
    return Media(write_clip(tmp_path_factory.mktemp("sound") / "long.mp4", seconds=2.6, frames=26))


@pytest.fixture(scope="module")
def short_clip(tmp_path_factory: pytest.TempPathFactory) -> Media:
    return Media(write_clip(tmp_path_factory.mktemp("sound") / "short.mp4", seconds=0.4, frames=8, tone=900))


def made(folder: Path, options: Options, **choices: str) -> Encoder:
    encoder = create_encoder(f"clap:{folder}", replace(options, choices=choices))
    assert isinstance(encoder, Encoder)
    return encoder


def direct(folder: Path, sounds: list[NDArray[np.float32]], text: str) -> tuple[list[Any], Any]:
    import torch
    from transformers import ClapModel, ClapProcessor

    model, processor = ClapModel.from_pretrained(folder), ClapProcessor.from_pretrained(folder)
    model.eval()
    with torch.no_grad():
        heard = [
            model.get_audio_features(**processor(audio=one, sampling_rate=RATE, return_tensors="pt")).pooler_output[0]
            for one in sounds
        ]
        said = model.get_text_features(**processor(text=[text], return_tensors="pt")).pooler_output[0]
    return [one.numpy() for one in heard], said.numpy()


def unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    return vector / np.linalg.norm(vector)


def sound_of(media: Media) -> NDArray[np.float32]:
    clip = decode(media, ClipRequest(frames=0))
    assert clip.sound is not None
    assert clip.rate == 16_000
    return resample(clip.sound, clip.rate, RATE)


@pytest.mark.parametrize("truncation", ["rand_trunc", "fusion"])
def test_vectors_are_those_of_transformers(
    options: Options, long_clip: Media, short_clip: Media, tmp_path: Path, truncation: str
) -> None:
    folder, text = tiny_clap(tmp_path / "tiny", truncation), "a siren howls"
    long, short = sound_of(long_clip), sound_of(short_clip)
    starts = [0, (len(long) - RATE) // 2, len(long) - RATE]
    heard, said = direct(folder, [short, *(long[start : start + RATE] for start in starts)], text)
    pooled = unit(np.mean([unit(one) for one in heard[1:]], axis=0))
    items = [
        Item("s", audio=short_clip),
        Item("l", audio=long_clip),
        Item("t", text=text),
        Item("tl", text=text, audio=long_clip),
    ]
    vectors = made(folder, options, text_weight="0.2").embed(items, "query")
    assert vectors.dtype == np.float32
    expected = np.stack([unit(heard[0]), pooled, said, unit(0.2 * said + 0.8 * pooled)])
    np.testing.assert_allclose(vectors, expected, atol=1e-5)
    assert np.abs(vectors[0] - vectors[1]).max() > 1e-3


def test_windows_cover_a_sound_at_equal_distances() -> None:
    sound = np.arange(25, dtype=np.float32)
    assert [(part[0], len(part)) for part in windows(sound, 10)] == [(0, 10), (8, 10), (15, 10)]
    assert [(part[0], len(part)) for part in windows(sound[:20], 10)] == [(0, 10), (10, 10)]
    assert [len(part) for part in windows(sound[:10], 10)] == [10]
    assert [len(part) for part in windows(sound[:3], 10)] == [3]
    assert [part.tolist() for part in windows(sound[:0], 10)] == [[0]]


def test_no_neighbour_order_or_second_hearing_changes_a_vector(
    folder: Path, options: Options, long_clip: Media, short_clip: Media
) -> None:
    items = [
        Item("a", text="a dog", audio=long_clip),
        Item("b", text="word " * 100, audio=short_clip),
        Item("c", audio=long_clip),
        Item("d", text="?"),
    ]
    together = made(folder, options).embed(items, "query")
    assert len(np.unique(together, axis=0)) == 4
    fresh = made(folder, options)
    np.testing.assert_array_equal(fresh.embed(items[::-1], "document"), together[::-1])
    np.testing.assert_array_equal(np.concatenate([fresh.embed([item], "query") for item in items]), together)


def test_what_makes_no_sound_is_told_apart_from_silence(folder: Path, options: Options, tmp_path: Path) -> None:
    mute = Media(write_clip(tmp_path / "mute.mp4", tone=None))
    silent = Media(write_clip(tmp_path / "silent.mp4", tone=0.0))
    vectors = made(folder, options).embed([Item("m", audio=mute), Item("s", audio=silent)], "document")
    assert not vectors[0].any()
    assert np.linalg.norm(vectors[1]) == pytest.approx(1, abs=1e-5)


def test_a_result_comes_of_it(folder: Path, small: Path, tmp_path: Path) -> None:
    result = evaluate(str(small), f"clap:{folder}", Settings(cache=tmp_path / "cache", device="cpu"))
    preprocessing = result.record["settings"]["resolved"]["preprocessing"]
    assert preprocessing["sample_rate"] == RATE
    assert preprocessing["window_seconds"] == 1
    assert result.record["model"]["parameters"] > 10_000
    assert any("does not read the video" in warning for warning in result.record["warnings"])


def test_incomplete_weights_are_refused(folder: Path, options: Options, tmp_path: Path) -> None:
    """transformers would draw what is missing at random, with no more than a warning."""
    from safetensors.torch import load_file, save_file

    torn = Path(shutil.copytree(folder, tmp_path / "torn"))
    weights = load_file(torn / "model.safetensors")
    weights.pop("audio_projection.linear1.weight")
    save_file(weights, torn / "model.safetensors", metadata={"format": "pt"})
    assert fingerprint(made(torn, options)) != fingerprint(made(folder, options))
    with pytest.raises(RunError, match=r"torn: lacks weights of the model.*audio_projection\.linear1\.weight"):
        made(torn, options).embed([Item("t", text="a")], "query")
    (torn / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(RunError, match=r"torn: cannot be loaded: .*replace it"):
        made(torn, options).embed([Item("t", text="a")], "query")


def test_missing_weights_answer_with_command_and_size(options: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match=r"hf download laion/clap-htsat-unfused \(615 MB\)"):
        create_encoder("clap", options)
