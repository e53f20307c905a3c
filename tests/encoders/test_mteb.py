"""The same encoder by mmret and by mteb, there and back: the same figures on the same data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmret import cpu_torch
from mmret.benchmarks import Benchmark, Ragged
from mmret.encoders import Encoder, Options, create_encoder
from mmret.encoders.to_mteb import ToMteb
from mmret.errors import InputError, RunError
from mmret.evaluation import Result, Settings, evaluate
from mmret.items import Item, Media
from mmret.media import Workers

from ..evaluation.wordy import wordy
from .tiny import tiny_bert, tiny_clip

cpu_torch.prepare()

# mmret's measure, and what mteb calls it
MEASURES = {
    "R@1": "recall_at_1", "R@5": "recall_at_5", "R@10": "recall_at_10", "nDCG@10": "ndcg_at_10", "MRR@10": "mrr_at_10",
    "AP@100": "map_at_100", "P@5": "precision_at_5",
}  # fmt: skip


@pytest.fixture
def options(workers: Workers) -> Options:
    return Options(workers)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from sentence_transformers import SentenceTransformer

    root = tmp_path_factory.mktemp("mteb")
    model = SentenceTransformer(
        str(tiny_bert(root / "bert")), device="cpu", prompts={"query": "q: ", "document": "d: "}
    )
    model.save_pretrained(str(root / "tiny"))
    return root / "tiny"


@pytest.fixture
def registered(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """That folder in mteb's registry."""
    from mteb.models import ModelMeta, SentenceTransformerEncoderWrapper
    from mteb.models.model_implementations import MODEL_REGISTRY

    def load(name: str, revision: str, **kwargs: Any) -> Any:
        return SentenceTransformerEncoderWrapper(str(folder), **kwargs)

    meta = ModelMeta.create_empty(
        {"name": "test/tiny", "revision": "7", "loader": load, "n_parameters": 12, "training_datasets": {"b", "a"}}
    )
    monkeypatch.setitem(MODEL_REGISTRY, "test/tiny", meta)
    return "test/tiny"


def distinct(queries: int = 20, documents: int = 40) -> Benchmark:
    """Sentences of which no two documents are alike, so that nothing ties; without galleries, as mteb has none."""
    whole = wordy(queries, 2 * documents, galleries=0)
    first = {item.text: row for row, item in reversed(list(enumerate(whole.documents)))}
    kept = [whole.documents[row] for row in sorted(first.values())][:documents]
    random = np.random.default_rng(1)
    positives = [random.choice(len(kept), 2, replace=False) for _ in range(queries)]
    return replace(
        whole, documents=kept, positives=Ragged.of(positives), gains=np.ones(2 * queries), source=None, slices={}
    )


def by_mteb(benchmark: Benchmark, model: Any) -> dict[str, Any]:
    """mteb's own figures."""
    import mteb
    from datasets import Dataset
    from mteb.abstasks.retrieval import AbsTaskRetrieval
    from mteb.abstasks.retrieval_dataset_loaders import RetrievalSplitData
    from mteb.mocks.mock_tasks.retrieval import MockRetrievalTask

    ids = [item.id for item in benchmark.documents]

    class Sentences(AbsTaskRetrieval):
        metadata = MockRetrievalTask.metadata.model_copy(update={"name": "Sentences", "eval_splits": ["test"]})

        def load_data(self, num_proc: int | None = None, **_: Any) -> None:
            split = RetrievalSplitData(
                queries=Dataset.from_list([{"id": item.id, "text": item.text} for item in benchmark.queries]),
                corpus=Dataset.from_list([{"id": item.id, "text": item.text} for item in benchmark.documents]),
                relevant_docs={
                    item.id: {ids[p]: 1 for p in own}
                    for item, own in zip(benchmark.queries, benchmark.positives, strict=True)
                },
                top_ranked=None,
            )
            self.dataset = {"default": {"test": split}}
            self.data_loaded = True

    found = mteb.evaluate(
        model, Sentences(), cache=None, co2_tracker=False, show_progress_bar=False, encode_kwargs={"batch_size": 1}
    )
    (scores,) = found.task_results[0].scores["test"]
    return dict(scores)


def by_mmret(benchmark: Benchmark, model: str, tmp_path: Path) -> Result:
    settings = Settings(cache=tmp_path / "cache", device="cpu", measures=tuple(MEASURES), protocols=("global",))
    return evaluate(benchmark, model, settings)


def assert_same(result: Result, theirs: dict[str, Any]) -> None:
    ours = result.record["scores"]["global"]["all"]
    assert result.record["ties"]["global"] == 0
    for name, other in MEASURES.items():
        assert ours[name]["value"] == pytest.approx(theirs[other], abs=1e-5), name  # mteb rounds to 5 decimals
    assert 0.01 < ours["nDCG@10"]["value"] < 0.9


def test_an_encoder_of_mteb_gets_the_same_figures_here(registered: str, options: Options, tmp_path: Path) -> None:
    import mteb

    benchmark = distinct()
    result = by_mmret(benchmark, f"mteb:{registered}", tmp_path)
    theirs = mteb.get_model(registered, device="cpu")
    assert_same(result, by_mteb(benchmark, theirs))
    assert result.record["model"]["parameters"] == 12
    assert result.record["model"]["training_data"] == "a, b"
    encoder = create_encoder(f"mteb:{registered}", options)
    assert isinstance(encoder, Encoder)
    expected = theirs.model.encode_query(["a dog", "?"], normalize_embeddings=True)
    vectors = encoder.embed([Item("a", text="a dog"), Item("b", text="?")], "query")
    np.testing.assert_allclose(vectors, expected, atol=1e-5)


def test_an_encoder_of_ours_gets_the_same_figures_there(folder: Path, options: Options, tmp_path: Path) -> None:
    from mteb.models.models_protocols import EncoderProtocol

    benchmark, reference = distinct(), f"st:{folder}"
    encoder = create_encoder(reference, options)
    assert isinstance(encoder, Encoder)
    wrapped = ToMteb(encoder)
    assert isinstance(wrapped, EncoderProtocol)
    assert wrapped.mteb_model_meta.name == f"mmret/st:{str(folder).replace('/', '_')}"
    assert_same(by_mmret(benchmark, reference, tmp_path), by_mteb(benchmark, wrapped))


def test_pictures_are_handed_on_without_loss(options: Options, tmp_path: Path) -> None:
    from PIL import Image

    encoder = create_encoder(f"clip:local-dir:{tiny_clip(tmp_path / 'clip')}", options)
    assert isinstance(encoder, Encoder)
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 50, 3)).astype(np.uint8))
    picture.save(tmp_path / "a.png")
    batches = [{"image": [picture], "text": ["a"]}, {"image": [picture.rotate(90)], "text": ["b"]}]
    expected = encoder.embed([Item("x", text="a", image=Media(tmp_path / "a.png"))], "document")
    found = ToMteb(encoder).encode(batches)
    assert found.shape == (2, 16)
    np.testing.assert_array_equal(found[:1], expected)
    with pytest.raises(InputError, match="mteb hands over audio"):
        ToMteb(encoder).encode([{"audio": [1]}])


def test_pictures_reach_an_encoder_of_mteb(options: Options, tmp_path: Path) -> None:
    """mteb's own random baseline takes any modality: its vectors depend on what it is given."""
    from PIL import Image

    for name, shade in (("a", 0), ("b", 90)):
        Image.new("RGB", (8, 8), (shade, 0, 0)).save(tmp_path / f"{name}.png")
    items = [Item(name, image=Media(tmp_path / f"{name}.png")) for name in "ab"] + [Item("t", text="a")]
    encoder = create_encoder("mteb:mteb/baseline-random-encoder", options)
    assert isinstance(encoder, Encoder)
    vectors = np.asarray(encoder.embed(items, "document"))
    assert len(np.unique(vectors, axis=0)) == 3
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(encoder.embed(items[::-1], "document"), vectors[::-1])


def test_what_cannot_be_used_is_said(options: Options, registered: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from mteb.models.model_implementations import MODEL_REGISTRY

    with pytest.raises(InputError, match=r"not found in MTEB registry.*go by st:no/such"):
        create_encoder("mteb:no/such", options)
    with pytest.raises(InputError, match="only dense encoders"):
        create_encoder("mteb:mteb/baseline-random-cross-encoder", options)
    with pytest.raises(InputError, match="needs a name of mteb's registry"):
        create_encoder("mteb", options)
    chosen = create_encoder(f"mteb:{registered}", replace(options, choices={"task": "NoTask"}))
    with pytest.raises(InputError, match=r"task: .*NoTask"):
        chosen.embed([Item("t", text="a")], "query")

    def fail(*_: Any, **__: Any) -> Any:
        raise OSError("no weights")

    monkeypatch.setitem(MODEL_REGISTRY, registered, MODEL_REGISTRY[registered].model_copy(update={"loader": fail}))
    with pytest.raises(RunError, match=r"mteb cannot load it: OSError: no weights.*hf download test/tiny"):
        create_encoder(f"mteb:{registered}", options).embed([Item("t", text="a")], "query")
