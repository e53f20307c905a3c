"""OmniEmbed: files through processor and thinker to vectors, beside the processor and a plain forward pass."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mmret.benchmarks import load_benchmark
from mmret.encoders import Options, create_encoder, fingerprint
from mmret.encoders.content import Content
from mmret.errors import InputError, RunError
from mmret.evaluation import Settings, evaluate
from mmret.items import Item, Media
from mmret.media import ClipRequest, Workers, decode, resample

from . import tiny_qwen as tiny

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # peft's, in the tests
FRAMES = 3


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.omni(tmp_path_factory.mktemp("omni"))


@pytest.fixture(scope="module")
def options(workers: Workers) -> Options:
    return Options(workers=workers, frames=FRAMES)


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> list[Item]:
    """A composed query with sound, a clip without text, a text, a picture."""
    path = tmp_path_factory.mktemp("pictures") / "table.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (84, 140, 3), np.uint8)).save(path)
    first, second = load_benchmark("omnicvr-mini").documents[:2]
    return [
        replace(first, text="the same room with a dog"),
        replace(second, text=None),
        Item("text", text="a dog that barks loudly"),
        Item("table", image=Media(path)),
        replace(second, video=None, text="what is heard"),
    ]


@functools.cache
def processor_of(folder: Path) -> Any:
    from transformers import AutoProcessor

    return AutoProcessor.from_pretrained(folder)


def reference(model: Any, folder: Path, item: Item, prompt: str, *, sound: bool = True) -> NDArray[np.float32]:
    """One row by the library's own processor: chat template, "<|endoftext|>", last token of the last hidden state.

    Frames are resized by Pillow beforehand to the size the processor wants, because its own resizing is torchvision's.
    """
    import torch
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

    processor = processor_of(folder)
    content: list[dict[str, str]] = []
    given: dict[str, Any] = {}
    if item.text:
        content.append({"type": "text", "text": prompt + item.text})
    if item.image:
        content.append({"type": "image"})
        given["images"] = [Image.open(item.image.path)]
    if item.video:
        content.append({"type": "video"})
        frames = decode(item.video, ClipRequest(FRAMES, False)).frames
        assert frames is not None
        height, width = smart_resize(*frames.shape[1:3], min_pixels=32 * 14 * 14, max_pixels=64 * 28 * 28)
        sized = [Image.fromarray(one).resize((width, height), Image.Resampling.BICUBIC) for one in frames]
        given["videos"] = [np.stack([np.asarray(one) for one in sized])]
        given["videos_kwargs"] = {"do_sample_frames": False, "do_resize": False}
    if item.audio and sound:
        content.append({"type": "audio"})
        clip = decode(item.audio, ClipRequest(frames=0))
        assert clip.sound is not None
        given["audio"] = [resample(clip.sound, clip.rate, 16_000)]
    message = [{"role": "user", "content": content}]
    text = processor.tokenizer.apply_chat_template(message, tokenize=False) + "<|endoftext|>"
    inputs = processor(text=[text], return_tensors="pt", **given)
    with torch.no_grad():
        last = model(**inputs, output_hidden_states=True).hidden_states[-1][0, -1].numpy()
    return last / np.linalg.norm(last)


def load(folder: Path) -> Any:
    from transformers import Qwen2_5OmniThinkerForConditionalGeneration

    return Qwen2_5OmniThinkerForConditionalGeneration.from_pretrained(folder).eval()


@pytest.mark.parametrize("kind", ["", "lora"])
def test_vectors_are_those_of_a_plain_forward_pass(
    kind: str, base: Path, options: Options, items: list[Item], tmp_path: Path
) -> None:
    name, model = f"omniembed:{base}", load(base)
    if kind:
        from peft import PeftModel

        old = tiny.adapter(load(base), tmp_path / "old")
        new = tiny.adapter(load(base), tmp_path / "new", old_names=False)
        name, model = f"{name}+{old}", PeftModel.from_pretrained(model, str(new)).eval()
    encoder: Any = create_encoder(name, options)
    for side, prompt in (("query", "Query: "), ("document", "")):
        expected = np.stack([reference(model, base, item, prompt) for item in items])
        assert np.linalg.norm(expected[0] - expected[1]) > 0.05
        np.testing.assert_allclose(encoder.embed(items, side), expected, atol=1e-5)


def test_neither_batches_nor_their_order_change_a_vector(base: Path, options: Options, items: list[Item]) -> None:
    encoder: Any = create_encoder(f"omniembed:{base}", options)
    together = encoder.embed(items, "query")
    np.testing.assert_allclose(encoder.embed(items[::-1], "query")[::-1], together, atol=1e-5)
    encoder._model._batches.budget = 1
    np.testing.assert_allclose(encoder.embed(items, "query"), together, atol=1e-5)


def test_bfloat16_computes_in_few_digits_and_gives_float32(base: Path, options: Options, items: list[Item]) -> None:
    full, half = (
        create_encoder(f"omniembed:{base}", replace(options, dtype=dtype)) for dtype in ("float32", "bfloat16")
    )
    first, second = (encoder.embed(items, "query") for encoder in (full, half))
    assert isinstance(second, np.ndarray)
    assert second.dtype == np.float32
    assert 0 < np.linalg.norm(second - first, axis=1).max() < 0.2


def test_without_sound_the_model_is_deaf_and_says_so(base: Path, options: Options, items: list[Item]) -> None:
    hearing: Any = create_encoder(f"omniembed:{base}", options)
    deaf: Any = create_encoder(f"omniembed:{base}", replace(options, choices={"sound": "off"}))
    assert "audio" in hearing.spec.reads("query")
    assert "audio" not in deaf.spec.reads("query") | deaf.spec.reads("document")
    assert fingerprint(hearing) != fingerprint(deaf)
    first, second = (encoder.embed(items[:3], "query") for encoder in (hearing, deaf))
    assert np.linalg.norm(first - second, axis=1)[:2].min() > 0.01
    np.testing.assert_allclose(first[2], second[2], atol=1e-5)
    model = load(base)
    expected = np.stack([reference(model, base, item, "Query: ", sound=False) for item in items[:3]])
    np.testing.assert_allclose(second, expected, atol=1e-5)
    moment = hearing.embed_contents([Content("a dog", sound=np.full(9, 0.5, np.float32))], "query")
    assert np.linalg.norm(moment - deaf.embed_contents([Content("a dog")], "query")) > 0.01
    with pytest.raises(InputError, match="sound cannot be 'loud'"):
        create_encoder(f"omniembed:{base}", replace(options, choices={"sound": "loud"}))


def test_a_benchmark_is_evaluated_from_end_to_end(base: Path, small: Path, tmp_path: Path) -> None:
    settings = Settings(device="cpu", frames=2, cache=tmp_path / "cache")
    result = evaluate(str(small), f"omniembed:{base}", settings)
    assert "audio" in result.record["model"]["modalities"]["query"]


def test_missing_weights_and_idle_adapters_are_explained(base: Path, options: Options, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"hf download Tevatron/Qwen2.5-Omni-7B-Thinker \(17,860 MB\)"):
        create_encoder("omniembed", options)
    idle = tiny.adapter(load(base), tmp_path / "idle", acts=False)
    with pytest.raises(RunError, match="changes nothing"):
        create_encoder(f"omniembed:{base}+{idle}", options).embed([Item("a", "a dog")], "query")
