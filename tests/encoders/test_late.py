"""ColQwen2 and ColPali beside the way transformers documents, one input at a time."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mmret.benchmarks import load_benchmark
from mmret.encoders import Options, VectorSets, create_encoder
from mmret.errors import InputError, RunError
from mmret.evaluation import Settings, evaluate
from mmret.items import Item, Media
from mmret.media import ClipRequest, Workers, decode

from . import tiny_qwen as tiny

BUILD: dict[str, Callable[[Path], Path]] = {"colqwen2": tiny.colqwen2, "colpali": tiny.colpali}
TEXTS = ["a dog that barks", "the same room with a calm voice instead of music"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: build(tmp_path_factory.mktemp(name)) for name, build in BUILD.items()}


@pytest.fixture(scope="module")
def options(workers: Workers) -> Options:
    return Options(workers=workers, frames=3)


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> list[Item]:
    """Two tables of different sizes and a clip."""
    folder = tmp_path_factory.mktemp("tables")
    made = []
    for i, shape in enumerate([(90, 130, 3), (200, 60, 3)]):
        path = folder / f"{i}.png"
        Image.fromarray(np.random.default_rng(i).integers(0, 256, shape, np.uint8)).save(path)
        made.append(Item(path.stem, image=Media(path)))
    return [*made, load_benchmark("omnicvr-mini").documents[0]]


@functools.cache
def loaded(kind: str, folder: Path) -> tuple[Any, Any]:
    """Processor and model by the library alone."""
    import transformers
    from transformers import AutoImageProcessor

    name = {"colqwen2": "ColQwen2", "colpali": "ColPali"}[kind]
    pictures: Any = AutoImageProcessor.from_pretrained(folder, backend="pil")
    processor = getattr(transformers, f"{name}Processor").from_pretrained(folder, image_processor=pictures)
    return processor, getattr(transformers, f"{name}ForRetrieval").from_pretrained(folder).eval()


def reference(kind: str, folder: Path, one: str | NDArray[np.uint8]) -> NDArray[np.float32]:
    """One text or picture by processor and model alone, no padding; ColQwen2 with its positions in three dimensions."""
    import torch

    processor, model = loaded(kind, folder)
    batch = processor(text=[one]) if isinstance(one, str) else processor(images=[Image.fromarray(one)])
    batch.pop("labels", None)
    if kind == "colqwen2" and not isinstance(one, str):
        kinds = (batch["input_ids"] == processor.image_token_id).int()
        batch["position_ids"] = model.vlm.get_rope_index(batch["input_ids"], kinds, batch["image_grid_thw"])[0]
    with torch.no_grad():
        vectors: NDArray[np.float32] = model(**batch).embeddings[0].numpy()
    return vectors


@pytest.mark.parametrize("kind", list(BUILD))
def test_vectors_are_those_of_the_library_and_none_is_padding(
    kind: str, folders: dict[str, Path], options: Options, documents: list[Item]
) -> None:
    encoder: Any = create_encoder(f"{kind}:{folders[kind]}", options)
    queries = encoder.embed([Item(text, text=text) for text in TEXTS], "query")
    assert isinstance(queries, VectorSets)
    for text, found in zip(TEXTS, queries, strict=True):
        np.testing.assert_allclose(found, reference(kind, folders[kind], text), atol=1e-5)
    found = encoder.embed(documents, "document")
    for item, vectors in zip(documents, found, strict=True):
        if item.video:
            frames = decode(item.video, ClipRequest(3, False)).frames
        else:
            assert item.image is not None
            frames = np.asarray(Image.open(item.image.path))[None]
        assert frames is not None
        expected = np.concatenate([reference(kind, folders[kind], frame) for frame in frames])
        np.testing.assert_allclose(vectors, expected, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("kind", list(BUILD))
def test_neither_batches_nor_their_order_change_a_vector(
    kind: str, folders: dict[str, Path], options: Options, documents: list[Item]
) -> None:
    encoder: Any = create_encoder(f"{kind}:{folders[kind]}", options)
    together = encoder.embed(documents, "document")
    reverse = list(encoder.embed(documents[::-1], "document"))[::-1]
    encoder._batches.budget = 1
    alone = encoder.embed(documents, "document")
    for one, two, three in zip(together, reverse, alone, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5)
        np.testing.assert_allclose(one, three, atol=1e-5)


@pytest.mark.parametrize("kind", list(BUILD))
def test_bfloat16_computes_in_few_digits_and_gives_float32(
    kind: str, folders: dict[str, Path], options: Options, documents: list[Item]
) -> None:
    full, half = (
        create_encoder(f"{kind}:{folders[kind]}", replace(options, dtype=dtype)) for dtype in ("float32", "bfloat16")
    )
    for side, items in (("document", documents), ("query", [Item("a", text="a dog")])):
        first, second = (encoder.embed(items, side) for encoder in (full, half))
        assert isinstance(first, VectorSets)
        assert isinstance(second, VectorSets)
        assert second.vectors.dtype == np.float32
        assert 0 < np.linalg.norm(second.vectors - first.vectors, axis=1).max() < 0.3


def test_a_benchmark_is_evaluated_from_end_to_end(folders: dict[str, Path], small: Path, tmp_path: Path) -> None:
    settings = Settings(device="cpu", frames=2, cache=tmp_path / "cache")
    result = evaluate(str(small), f"colqwen2:{folders['colqwen2']}", settings)
    assert result.record["model"]["scoring"] == "maxsim"


def test_missing_and_wrong_weights_are_explained(folders: dict[str, Path], options: Options) -> None:
    with pytest.raises(InputError, match=r"hf download vidore/colqwen2-v1.0-hf \(4,430 MB\)"):
        create_encoder("colqwen2", options)
    with pytest.raises(InputError, match=r"hf download vidore/colpali-v1.3-hf \(5,850 MB\)"):
        create_encoder("colpali", options)
    wrong: Any = create_encoder(f"colpali:{folders['colqwen2'] / 'base'}", options)
    with pytest.raises(RunError, match="holds a model of kind 'qwen2_vl', where one of kind 'colpali' is needed"):
        wrong.embed([Item("a", text="a")], "query")
