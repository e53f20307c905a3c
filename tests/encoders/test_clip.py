"""clip against open_clip called directly, on real clips, with a tiny model of the real class."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mmret.encoders import Encoder, Options, create_encoder, fingerprint
from mmret.errors import InputError, RunError
from mmret.evaluation import Settings, evaluate
from mmret.items import Item, Media
from mmret.media import ClipRequest, Workers, decode

from .tiny import CLIP, PREPROCESS, tiny_clip

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_clip(tmp_path_factory.mktemp("clip") / "tiny")


@pytest.fixture
def options(workers: Workers) -> Options:
    return Options(workers, frames=4)


def made(reference: str | Path, options: Options, **choices: str) -> Encoder:
    encoder = create_encoder(f"clip:{reference}", replace(options, choices=choices))
    assert isinstance(encoder, Encoder)
    return encoder


def local(folder: Path) -> str:
    return f"local-dir:{folder}"


def direct(folder: Path, pictures: NDArray[np.uint8], text: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Unit vectors `(n, d)` of pictures and `(d,)` of a text, the way open_clip's own pages show."""
    import open_clip
    import torch

    model, _, transform = open_clip.create_model_and_transforms(local(folder))
    model.eval()
    with torch.no_grad():
        pixels = torch.stack([transform(Image.fromarray(one)) for one in pictures])
        seen = model.encode_image(pixels, normalize=True)
        said = model.encode_text(open_clip.get_tokenizer(local(folder))([text]), normalize=True)
    return seen.numpy(), said[0].numpy()


def unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    return vector / np.linalg.norm(vector)


def clips(small: Path) -> list[Media]:
    return [Media(path) for path in sorted((small / "videos").glob("*.mp4"))]


def test_vectors_are_those_of_open_clip(folder: Path, options: Options, small: Path) -> None:
    video, text = clips(small)[2], "a brighter picture"
    frames = decode(video, ClipRequest(4, False)).frames
    assert frames is not None
    seen, said = direct(folder, frames, text)
    items = [Item("v", video=video), Item("t", text=text), Item("vt", text=text, video=video)]
    expected = np.stack([unit(seen.mean(0)), said, unit(0.3 * said + 0.7 * unit(seen.mean(0)))])
    vectors = made(local(folder), options, text_weight="0.3").embed(items, "query")
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, expected, atol=1e-5)
    assert np.abs(vectors[0] - vectors[1]).max() > 0.1


def test_no_neighbour_order_or_second_look_changes_a_vector(folder: Path, options: Options, small: Path) -> None:
    items = [Item(f"{i}", text="word " * (10 * i), video=video) for i, video in enumerate(clips(small)[:4])]
    items += [Item("t", text="a"), Item("v", video=items[0].video)]
    encoder = made(local(folder), options)
    together = encoder.embed(items, "query")
    assert len(np.unique(together, axis=0)) == 6
    np.testing.assert_array_equal(encoder.embed(items[::-1], "document"), together[::-1])
    fresh = made(local(folder), options)
    alone = np.concatenate([fresh.embed([item], "query") for item in items])
    np.testing.assert_array_equal(alone, together)


def test_a_wide_table_keeps_its_sides_when_wanted(folder: Path, options: Options, tmp_path: Path) -> None:
    """Two tables that differ at their sides alone: the usual crop cannot tell them apart."""
    table = np.full((40, 200, 3), 255, np.uint8)
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    Image.fromarray(table).save(paths[0])
    table[:, :40], table[:, -40:] = 0, 128
    Image.fromarray(table).save(paths[1])
    items = [Item(path.stem, image=Media(path)) for path in paths]
    usual, whole = made(local(folder), options, picture="usual"), made(local(folder), options)
    np.testing.assert_allclose(*usual.embed(items, "document"), atol=1e-6)
    one, other = whole.embed(items, "document")
    assert np.abs(one - other).max() > 1e-2
    assert fingerprint(usual) != fingerprint(whole)
    transform = whole.preprocessing["transforms"]["pictures"]
    assert transform["resize_mode"] == "longest"
    assert whole.preprocessing["transforms"]["frames"]["resize_mode"] == "shortest"
    assert transform["size"] == 32
    assert transform["mean"] == PREPROCESS["mean"]


def test_a_result_comes_of_it(folder: Path, options: Options, small: Path, tmp_path: Path) -> None:
    result = evaluate(str(small), f"clip:{local(folder)}", Settings(frames=2, cache=tmp_path / "cache", device="cpu"))
    model, warnings = result.record["model"], result.record["warnings"]
    assert model["modalities"]["query"] == ["image", "text", "video"]
    assert model["parameters"] > 1_000_000
    assert any("does not read the audio" in warning for warning in warnings)
    assert "sha256:" in model["revision"]


@pytest.fixture
def published(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An architecture and tag as open_clip publishes them, its weights in the Hub's cache."""
    import open_clip
    from huggingface_hub import constants
    from open_clip import factory, pretrained

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setitem(factory._MODEL_CONFIGS, "Tiny-B-8", CLIP)
    tags = {
        "small": pretrained._pcfg(hf_hub="org/tiny/", quick_gelu=True),
        "gone": pretrained._pcfg(hf_hub="org/gone/"),
    }
    monkeypatch.setitem(pretrained._PRETRAINED, "Tiny-B-8", tags)
    snapshot = tmp_path / "hub" / "models--org--tiny" / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    shutil.copy(folder / "open_clip_model.safetensors", snapshot)
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text(COMMIT)
    assert open_clip.get_model_config("Tiny-B-8")
    return "Tiny-B-8/small"


def test_a_tag_means_the_weights_its_authors_published(published: str, folder: Path, options: Options) -> None:
    """With their transform and their activation, which the name of the architecture does not tell."""
    import open_clip
    import torch

    encoder = made(published, options)
    assert COMMIT in encoder.spec.revision
    assert encoder.preprocessing["transforms"]["frames"]["mean"] == open_clip.OPENAI_DATASET_MEAN
    model = open_clip.create_model("Tiny-B-8", str(folder / "open_clip_model.safetensors"), force_quick_gelu=True)
    with torch.no_grad():
        expected = model.eval().encode_text(open_clip.tokenize(["a dog"]), normalize=True).numpy()
    np.testing.assert_allclose(encoder.embed([Item("t", text="a dog")], "query"), expected, atol=1e-5)
    file = made(f"Tiny-B-8/{folder / 'open_clip_model.safetensors'}", options)
    assert np.abs(file.embed([Item("t", text="a dog")], "query") - expected).max() > 1e-3  # not QuickGELU


def test_what_is_missing_or_wrong_is_said(published: str, folder: Path, options: Options, tmp_path: Path) -> None:
    refused: dict[str, str] = {
        "Tiny-B-8/smal": "unknown weights of Tiny-B-8 'smal'; did you mean small",
        "Tiny-B-9/small": "unknown architecture of open_clip 'Tiny-B-9'; did you mean Tiny-B-8",
        "": r"hf download laion/CLIP-ViT-B-32-laion2B-s34B-b79K \(605 MB\)",
        "Tiny-B-8/gone": "org/gone: .*hf download org/gone",
        "hf-hub:org/gone": "hf download org/gone",
        f"local-dir:{tmp_path}": "not the configuration of a CLIP",
        "local-dir:/no/folder": "no such folder",
    }
    for reference, words in refused.items():
        with pytest.raises(InputError, match=words):
            made(reference, options)
    with pytest.raises(InputError, match="text_weight must be a number from 0 to 1, not '2'"):
        made(local(folder), options, text_weight="2")
    cut = Path(shutil.copytree(folder, tmp_path / "cut"))
    weights = cut / "open_clip_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(RunError, match=r"cut: cannot be loaded: .*complete or replace it"):
        made(local(cut), options).embed([Item("t", text="a")], "query")
    weights.unlink()
    with pytest.raises(RunError, match="cut: cannot be loaded"):
        made(local(cut), options).embed([Item("t", text="a")], "query")


def test_other_weights_in_the_same_folder_are_another_model(folder: Path, options: Options, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "tiny"))
    prints = [fingerprint(made(local(copy), options))]
    shutil.copy(tiny_clip(tmp_path / "other", seed=1) / "open_clip_model.safetensors", copy)
    prints.append(fingerprint(made(local(copy), options)))
    config: dict[str, Any] = json.loads((copy / "open_clip_config.json").read_text())
    (copy / "open_clip_config.json").write_text(json.dumps(config | {"preprocess_cfg": {"resize_mode": "squash"}}))
    prints.append(fingerprint(made(local(copy), options)))
    assert len(set(prints)) == 3
