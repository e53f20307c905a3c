"""VLM2Vec: files through processor and model to vectors, beside a plain forward pass of transformers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mmret.benchmarks import load_benchmark
from mmret.encoders import Encoder, Options, create_encoder, fingerprint
from mmret.encoders.batches import Batches, ahead
from mmret.encoders.content import Content
from mmret.encoders.vlm2vec import PROMPTS
from mmret.errors import InputError, RunError
from mmret.evaluation import Settings, evaluate
from mmret.items import Item, Media
from mmret.media import ClipRequest, Workers, decode
from mmret.media.decode import SAMPLINGS

from . import tiny_qwen as tiny

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # peft's, in the tests
PIXELS = {"min_pixels": "3136", "max_pixels": "12544"}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.qwen2vl(tmp_path_factory.mktemp("qwen2vl"))


@pytest.fixture(scope="module")
def options(workers: Workers) -> Options:
    return Options(workers=workers, frames=5, sampling="vlm2vec", choices=PIXELS)


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> list[Item]:
    """A composed query, a clip, a text, a picture, and one too small for the model's patches."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("pictures")
    noise = np.random.default_rng(0).integers(0, 256, (90, 130, 3), np.uint8)
    Image.fromarray(noise).save(folder / "table.png")
    Image.fromarray(noise[:20, :60]).save(folder / "small.png")
    first, second = load_benchmark("omnicvr-mini").documents[:2]
    return [
        replace(first, text="the same room with a dog", audio=None),
        replace(second, text=None, audio=None),
        Item("text", text="a dog that barks loudly"),
        Item("table", image=Media(folder / "table.png")),
        Item("small", image=Media(folder / "small.png"), text="a table"),
    ]


def load(folder: Path, made: Callable[[Any], Any] = lambda model: model) -> Any:
    from transformers import Qwen2VLForConditionalGeneration

    return made(Qwen2VLForConditionalGeneration.from_pretrained(folder)).eval()


def patches(frames: NDArray[np.uint8], max_pixels: int) -> tuple[NDArray[np.float32], list[int]]:
    """Pixels as the original's processor makes them: Pillow's bicubic, CLIP's mean and deviation, 2 x 14 x 14 each."""
    from PIL import Image
    from transformers.image_utils import OPENAI_CLIP_MEAN, OPENAI_CLIP_STD
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

    pictures = [Image.fromarray(frame) for frame in frames]
    if min(pictures[0].size) < 28:
        pictures = [picture.resize((56, 56)) for picture in pictures]
    height, width = smart_resize(pictures[0].height, pictures[0].width, max_pixels=max_pixels)
    sized = [np.asarray(picture.resize((width, height), Image.Resampling.BICUBIC)) for picture in pictures]
    sized += sized[-1:] * (len(sized) % 2)
    video = np.stack(sized).astype(np.float64) / 255
    video = ((video - OPENAI_CLIP_MEAN) / OPENAI_CLIP_STD).astype(np.float32).transpose(0, 3, 1, 2)
    t, h, w = len(video) // 2, height // 14, width // 14
    cut = video.reshape(t, 2, 3, h // 2, 2, 14, w // 2, 2, 14).transpose(0, 3, 6, 4, 7, 2, 1, 5, 8)
    return cut.reshape(t * h * w, -1), [t, h, w]


def reference(model: Any, folder: Path, item: Item, side: str, options: Options) -> NDArray[np.float32]:
    """One row without padding: tokens, sequential positions, last token of the last hidden state, unit length."""
    import torch
    from transformers import AutoTokenizer

    inputs: dict[str, Any] = {}
    kind, mark = (
        ("video", "<|video_pad|>") if item.video else ("image", "<|image_pad|>") if item.image else ("text", "")
    )
    if kind == "text":
        front = ""
    else:
        if item.video:
            request = ClipRequest(options.frames, False, options.sampling)
            frames = decode(item.video, request).frames
        else:
            from PIL import Image

            assert item.image is not None
            frames = np.asarray(Image.open(item.image.path))[None]
        assert frames is not None
        pixels, grid = patches(frames, int(PIXELS["max_pixels"]))
        front = mark * (int(np.prod(grid)) // 4) + " "
        suffix = "_videos" if kind == "video" else ""
        inputs["pixel_values" + suffix] = torch.from_numpy(pixels)
        inputs[f"{kind}_grid_thw"] = torch.tensor([grid])
    text = " ".join(filter(None, [PROMPTS[side][kind], item.text]))
    ids = AutoTokenizer.from_pretrained(folder)(front + text + "\n" * (kind == "image"), return_tensors="pt").input_ids
    positions = torch.arange(ids.shape[1]).expand(3, 1, -1)
    with torch.no_grad():
        out = model(input_ids=ids, position_ids=positions, output_hidden_states=True, **inputs)
    last = out.hidden_states[-1][0, -1].numpy()
    return last / np.linalg.norm(last)


@pytest.mark.parametrize("kind", ["", "lora", "dora"])
def test_vectors_are_those_of_a_plain_forward_pass(
    kind: str, base: Path, options: Options, items: list[Item], tmp_path: Path
) -> None:
    name, model = f"vlm2vec:{base}", load(base)
    if kind:
        from peft import PeftModel

        old, new = (tiny.adapter(load(base), tmp_path / layout, dora=kind == "dora", old_names=layout == "old")
                    for layout in ("old", "new"))  # fmt: skip
        name, model = f"{name}+{old}", load(base, lambda plain: PeftModel.from_pretrained(plain, str(new)))
    encoder = create_encoder(name, options)
    assert isinstance(encoder, Encoder)
    assert encoder.spec.name == name
    for side in ("query", "document"):
        expected = np.stack([reference(model, base, item, side, options) for item in items])
        assert np.linalg.norm(expected[0] - expected[1]) > 0.05
        np.testing.assert_allclose(encoder.embed(items, side), expected, atol=1e-5)


def test_neither_neighbours_nor_batches_nor_their_order_change_a_vector(
    base: Path, options: Options, items: list[Item]
) -> None:
    encoder: Any = create_encoder(f"vlm2vec:{base}", options)
    together = encoder.embed(items, "query")
    np.testing.assert_allclose(encoder.embed(items[::-1], "query")[::-1], together, atol=1e-5)
    encoder._model._batches.budget = 1
    np.testing.assert_allclose(encoder.embed(items, "query"), together, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)


def test_bfloat16_computes_in_few_digits_and_gives_float32(base: Path, options: Options, items: list[Item]) -> None:
    full, half = (create_encoder(f"vlm2vec:{base}", replace(options, dtype=dtype)) for dtype in ("float32", "bfloat16"))
    first, second = (encoder.embed(items, "query") for encoder in (full, half))
    assert isinstance(second, np.ndarray)
    assert second.dtype == np.float32
    assert 0 < np.linalg.norm(second - first, axis=1).max() < 0.2
    assert fingerprint(full) != fingerprint(half)


def test_a_composer_hands_on_texts_and_frames(base: Path, options: Options, items: list[Item]) -> None:
    backbone: Any = create_encoder(f"vlm2vec:{base}", options)
    video, text = items[0].video, items[0].text
    assert video is not None
    assert text is not None
    frames = decode(video, ClipRequest(5, False, "vlm2vec")).frames
    vectors = backbone.embed_contents([Content(text, frames), Content(items[2].text or "")], "query")
    np.testing.assert_allclose(vectors, backbone.embed([items[0], items[2]], "query"), atol=1e-6)
    nothing = backbone.embed_contents([Content()], "document")
    assert np.isfinite(nothing).all()


def test_prompts_and_pixels_can_be_chosen_and_are_recorded(base: Path, options: Options, items: list[Item]) -> None:
    plain: Any = create_encoder(f"vlm2vec:{base}", options)
    choices = {"query_prompt": "Describe the sound.", "max_pixels": "6272"}
    other: Any = create_encoder(f"vlm2vec:{base}", replace(options, choices={**PIXELS, **choices}))
    assert other.preprocessing["query_prompt"] == dict.fromkeys(("text", "image", "video"), "Describe the sound.")
    assert other.preprocessing["document_prompt"] == PROMPTS["document"]
    assert fingerprint(plain) != fingerprint(other)
    texts = [items[2]]
    assert np.abs(plain.embed(texts, "query") - other.embed(texts, "query")).max() > 0.01
    np.testing.assert_array_equal(plain.embed(texts, "document"), other.embed(texts, "document"))
    assert np.abs(plain.embed(items[1:2], "document") - other.embed(items[1:2], "document")).max() > 1e-3
    with pytest.raises(InputError, match="max_pixels must be a whole number of at least 1, not 'many'"):
        create_encoder(f"vlm2vec:{base}", replace(options, choices={"max_pixels": "many"}))


def test_an_adapter_that_changes_nothing_is_an_error(base: Path, options: Options, tmp_path: Path) -> None:
    def embed(adapter: Path) -> None:
        encoder: Any = create_encoder(f"vlm2vec:{base}+{adapter}", options)
        encoder.embed([Item("a", "a dog")], "query")

    with pytest.raises(RunError, match="changes nothing"):
        embed(tiny.adapter(load(base), tmp_path / "untrained", acts=False))
    strange = tiny.adapter(load(base), tmp_path / "strange", dora=True)
    from safetensors.torch import load_file, save_file

    weights = load_file(strange / "adapter_model.safetensors")
    save_file(
        {name.replace(".layers.", ".blocks."): weight for name, weight in weights.items()},
        strange / "adapter_model.safetensors",
    )
    with pytest.raises(RunError, match=r"strange: cannot be loaded: .*missing adapter keys"):
        embed(strange)
    plus = shutil.copytree(base, tmp_path / "base+more")
    trained = tiny.adapter(load(base), tmp_path / "trained+more")
    items = [Item("a", text="a dog")]
    merged: Any = create_encoder(f"vlm2vec:{plus}+{trained}", options)
    plain: Any = create_encoder(f"vlm2vec:{plus}", options)
    assert np.linalg.norm(merged.embed(items, "query") - plain.embed(items, "query")) > 0.01
    with pytest.raises(InputError, match="this is an adapter; name the model"):
        create_encoder(f"vlm2vec:{strange}", options)


def test_missing_weights_are_answered_with_the_command(base: Path, options: Options, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"hf download Qwen/Qwen2-VL-2B-Instruct \(4,430 MB\)"):
        create_encoder("vlm2vec", options)
    with pytest.raises(InputError, match="hf download org/adapter"):
        create_encoder(f"vlm2vec:{base}+org/adapter", options)
    for kind, words in {"qwen2_vl": "cannot be loaded", "qwen2_5_vl": "holds a model of kind 'qwen2_5_vl'"}.items():
        folder = tmp_path / kind
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps({"model_type": kind}))
        with pytest.raises(RunError, match=words):
            create_encoder(f"vlm2vec:{folder}", options).embed([Item("a", "a dog")], "query")


def test_other_weights_have_other_fingerprints(base: Path, options: Options, tmp_path: Path) -> None:
    other = tiny.qwen2vl(tmp_path / "other", seed=1)
    names = [f"vlm2vec:{folder}" for folder in (base, other)]
    first, second = (create_encoder(name, options) for name in names)
    assert first.spec.revision != second.spec.revision
    assert fingerprint(first) != fingerprint(second)


def test_a_benchmark_is_evaluated_from_end_to_end(base: Path, small: Path, tmp_path: Path) -> None:
    settings = Settings(device="cpu", frames=2, choices=PIXELS, cache=tmp_path / "cache")
    result = evaluate(str(small), f"vlm2vec:{base}", settings)
    assert result.record["model"]["name"] == f"vlm2vec:{base}"
    assert set(result.record["model"]["modalities"]["document"]) == {"text", "image", "video"}


def test_frames_are_taken_as_the_original_takes_them() -> None:
    rule = SAMPLINGS["vlm2vec"]
    assert rule(5, 8).tolist() == [0, 1, 2, 3, 4]
    assert rule(300, 8).tolist() == [int(i * 300 / 64) for i in (0, 9, 18, 27, 36, 45, 54, 63)]
    assert rule(40, 3).tolist() == [0, 19, 39]


def test_batches_keep_to_the_budget_and_shrink_when_memory_runs_out() -> None:
    import torch

    seen: list[list[int]] = []

    def forward(batch: list[int]) -> list[int]:
        if sum(batch) > 8:
            raise torch.OutOfMemoryError
        seen.append(batch)
        return [10 * one for one in batch]

    batches = Batches(12)
    assert batches.run(iter([3, 2, 4, 4, 4, 1]), int, forward) == [30, 20, 40, 40, 40, 10]
    assert seen == [[3], [2, 4], [4], [4], [1]]
    assert batches.budget == 6
    with pytest.raises(RunError, match="one item of 9 tokens does not fit"):
        batches.run([9], int, forward)
    assert list(ahead(str, range(5))) == ["0", "1", "2", "3", "4"]
