"""st against sentence-transformers called directly, with tiny models of the real classes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mmret.encoders import Encoder, Options, PairScorer, VectorSets, VectorStore, create_encoder, st
from mmret.errors import InputError, RunError
from mmret.evaluation import Settings, evaluate
from mmret.items import Item, Media
from mmret.media import ClipRequest, Workers, decode

from ..evaluation.wordy import wordy
from .tiny import tiny_bert, tiny_hf_clip

TEXTS = ["a dog barks", "?", "while loud music plays near the old car and the red dog runs fast", "a dog barks."]
PROMPTS = {"query": "q: ", "passage": "p: "}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the prompts that many published models have: the library itself would overlook the second one."""
    from sentence_transformers import SentenceTransformer

    root = tmp_path_factory.mktemp("st")
    model = SentenceTransformer(str(tiny_bert(root / "bert")), device="cpu", prompts=PROMPTS)
    model.save_pretrained(str(root / "tiny"))
    return root / "tiny"


@pytest.fixture
def options(workers: Workers) -> Options:
    return Options(workers, frames=3)


def made(folder: Path, options: Options, **choices: str) -> Encoder:
    encoder = create_encoder(f"st:{folder}", replace(options, choices=choices))
    assert isinstance(encoder, Encoder)
    return encoder


def load(folder: Path, kind: str = "SentenceTransformer") -> Any:
    import sentence_transformers

    return getattr(sentence_transformers, kind)(str(folder), device="cpu")


def texts(*given: str) -> list[Item]:
    return [Item(str(i), text=text) for i, text in enumerate(given)]


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def test_vectors_are_those_of_the_library_with_the_folders_prompts(folder: Path, options: Options) -> None:
    encoder, theirs = made(folder, options), load(folder)
    expected = {
        "query": theirs.encode(TEXTS, prompt_name="query", normalize_embeddings=True),
        "document": theirs.encode(TEXTS, prompt_name="passage", normalize_embeddings=True),
    }
    np.testing.assert_allclose(encoder.embed(texts(*TEXTS), "query"), expected["query"], atol=1e-5)
    np.testing.assert_allclose(encoder.embed(texts(*TEXTS), "document"), expected["document"], atol=1e-5)
    assert np.abs(expected["query"] - expected["document"]).max() > 1e-2
    assert np.abs(theirs.encode_document(TEXTS, normalize_embeddings=True) - expected["document"]).max() > 1e-2
    assert encoder.preprocessing["document_prompt"] == "p: "
    assert encoder.spec.query == {"text"}
    plain = made(folder, options, query_prompt="").embed(texts(*TEXTS), "query")
    np.testing.assert_allclose(plain, theirs.encode(TEXTS, prompt="", normalize_embeddings=True), atol=1e-5)
    short = made(folder, options, dimensions="8").embed(texts(*TEXTS), "query")
    np.testing.assert_allclose(short, unit(expected["query"][:, :8]), atol=1e-5)


def test_no_neighbour_or_order_changes_a_vector(
    folder: Path, options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = made(folder, options)
    together = np.asarray(encoder.embed(texts(*TEXTS), "query"))
    np.testing.assert_array_equal(encoder.embed(texts(*TEXTS[::-1]), "query"), together[::-1])
    np.testing.assert_array_equal(encoder.embed(texts(TEXTS[1]), "query"), together[1:2])
    monkeypatch.setattr(st, "at_once", lambda device, most: 3)  # as on a GPU
    padded = made(folder, options).embed(texts(*TEXTS), "query")
    np.testing.assert_allclose(padded, together, atol=1e-5)


@pytest.mark.parametrize(
    ("config", "query", "document"),
    [
        ({"prompts": {"query": "q", "document": "", "passage": "p"}}, "q", "p"),
        ({"prompts": {"query": "q", "document": ""}, "default_prompt_name": "query"}, "q", ""),
        ({"prompts": {"all": "x"}, "default_prompt_name": "all"}, "x", "x"),
        ({"prompts": {}}, "", ""),
        ({}, "", ""),
    ],
)
def test_each_side_has_its_prompt(
    options: Options, tmp_path: Path, config: dict[str, Any], query: str, document: str
) -> None:
    (tmp_path / "config_sentence_transformers.json").write_text(json.dumps(config))
    preprocessing = made(tmp_path, options).preprocessing
    assert (preprocessing["query_prompt"], preprocessing["document_prompt"]) == (query, document)


def test_several_vectors_an_item_are_scored_by_late_interaction(options: Options, tmp_path: Path) -> None:
    from sentence_transformers import MultiVectorEncoder

    model = MultiVectorEncoder(str(tiny_bert(tmp_path / "bert")), device="cpu")
    model.save_pretrained(str(tmp_path / "multi"))
    encoder = made(tmp_path / "multi", options)
    assert encoder.spec.scoring == "maxsim"
    vectors = encoder.embed(texts(*TEXTS), "document")
    assert isinstance(vectors, VectorSets)
    theirs = load(tmp_path / "multi", "MultiVectorEncoder").encode_document(TEXTS, convert_to_numpy=True, batch_size=4)
    for ours, expected in zip(vectors, theirs, strict=True):
        np.testing.assert_allclose(ours, expected, atol=1e-5)
    result = evaluate(wordy(), f"st:{tmp_path / 'multi'}", Settings(cache=tmp_path / "cache", device="cpu"))
    assert result.record["model"]["scoring"] == "maxsim"


def test_pictures_and_frames_are_read_where_the_model_reads_them(options: Options, small: Path, tmp_path: Path) -> None:
    folder = tiny_hf_clip(tmp_path / "clip")
    encoder, theirs = made(folder, options, text_weight="0.3"), load(folder)
    assert encoder.spec.query == {"text", "image", "video"}
    video = Media(small / "videos" / "clip-2.mp4")
    frames = decode(video, ClipRequest(3, False)).frames
    assert frames is not None
    seen = unit(unit(theirs.encode([Image.fromarray(frame) for frame in frames])).mean(0))
    said = theirs.encode(["a dog"], normalize_embeddings=True)[0]
    items = [Item("v", video=video), Item("t", text="a dog"), Item("vt", text="a dog", video=video)]
    expected = np.stack([seen, said, unit(0.3 * said + 0.7 * seen)])
    np.testing.assert_allclose(encoder.embed(items, "query"), expected, atol=1e-5)
    result = evaluate(str(small), f"st:{folder}", Settings(frames=2, cache=tmp_path / "cache", device="cpu"))
    assert result.record["model"]["modalities"]["document"] == ["image", "text", "video"]


def test_a_cross_encoder_scores_pairs(options: Options, tmp_path: Path) -> None:
    from sentence_transformers import CrossEncoder

    model = CrossEncoder(str(tiny_bert(tmp_path / "bert", labels=1)), device="cpu")
    model.save_pretrained(str(tmp_path / "cross"))
    scorer = create_encoder(f"st:{tmp_path / 'cross'}", options)
    assert isinstance(scorer, PairScorer)
    scores = scorer.score(texts(*TEXTS[:2]), texts(*TEXTS))
    pairs = [(query, document) for query in TEXTS[:2] for document in TEXTS]
    np.testing.assert_allclose(scores.ravel(), model.predict(pairs), atol=1e-5)
    assert np.ptp(scores) > 1e-3
    tiny_bert(tmp_path / "classes", labels=3)
    with pytest.raises(RunError, match="3 values a pair"):
        create_encoder(f"st:{tmp_path / 'classes'}", options).score(texts("a"), texts("b"))


def test_what_cannot_be_used_is_said(folder: Path, options: Options, tmp_path: Path) -> None:
    (tmp_path / "config_sentence_transformers.json").write_text('{"model_type": "SparseEncoder"}')
    with pytest.raises(InputError, match="is a SparseEncoder; those that can be scored"):
        made(tmp_path, options)
    (tmp_path / "config_sentence_transformers.json").write_text('{"similarity_fn_name": "euclidean"}')
    with pytest.raises(InputError, match="compares by euclidean"):
        made(tmp_path, options)
    for faulty in ("2.5", "-1", "all"):
        with pytest.raises(InputError, match="dimensions must be a whole number of at least 0"):
            made(folder, options, dimensions=faulty)
    (tmp_path / "config_sentence_transformers.json").write_text("{}")
    with pytest.raises(RunError, match="cannot be loaded"):
        made(tmp_path, options).embed(texts("a"), "query")


def test_vectors_of_a_folder_lie_under_a_plain_name(folder: Path, options: Options, tmp_path: Path) -> None:
    """The name of the model is a path, and the store's folders are not."""
    store = VectorStore(tmp_path, made(folder, options), "query")
    assert store.folder.parent == tmp_path / "vectors"
    assert len(store.folder.name) < 150
