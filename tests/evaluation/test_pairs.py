"""Models without vectors: scores pair by pair."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmret.encoders import encoders, register_encoder, registry
from mmret.errors import RunError
from mmret.evaluation import PROTOCOLS, Result, Settings, evaluate, pairs, scoring

from .wordy import Overlap, wordy


@pytest.fixture
def overlap(monkeypatch: pytest.MonkeyPatch) -> type[Overlap]:
    encoders()
    monkeypatch.setattr(registry, "_CLASSES", dict(registry._CLASSES))
    return register_encoder(Overlap)


def scores_and_files(result: Result) -> str:
    decisive = {key: result.record[key] for key in ("benchmark", "scores", "ties", "excluded")}
    return json.dumps(decisive) + result.per_query.to_csv() + result.run.frame().to_csv()


@pytest.mark.parametrize("galleries", [None, 0, 1])
def test_ranks_are_counted_from_the_scores_as_given(overlap: type[Overlap], tmp_path: Path, galleries: int) -> None:
    benchmark = wordy(galleries=galleries)
    result = evaluate(benchmark, "overlap", Settings(cache=tmp_path))
    model = overlap(None)
    model.index(benchmark.documents)
    truth = model.score(benchmark.queries, benchmark.documents)
    assert benchmark.source is not None
    for name, frame in result.per_query.groupby("protocol", observed=True):
        protocol = PROTOCOLS[str(name)]
        for i, row in enumerate(frame.itertuples()):
            everything = protocol.everything or benchmark.galleries is None
            own = np.arange(30) if everything else benchmark.galleries[i % len(benchmark.galleries)]
            own = own[own != benchmark.source[i]] if protocol.without_source else own
            target = truth[i][benchmark.positives[i]].max()
            assert row.candidates == len(own)
            assert row.greater == (truth[i][own] > target).sum()
            assert row.tied == (truth[i][own] == target).sum()
    place = {item.id: i for items in (benchmark.queries, benchmark.documents) for i, item in enumerate(items)}
    frame = result.run.frame()
    expected = truth[frame["query"].astype(str).map(place), frame["document"].astype(str).map(place)]
    np.testing.assert_array_equal(frame["score"], expected.astype(np.float32))
    assert result.record["model"]["scoring"] == "pairs"
    assert result.record["cost"]["stages"]["score"]["items"] == 20
    assert result.record["cost"]["stages"]["index"]["items"] == 30
    assert overlap.indexed == benchmark.documents


@pytest.mark.parametrize("galleries", [None, 1])
def test_no_batch_memory_or_protocol_beside_it_changes_a_digit(
    overlap: type[Overlap], tmp_path: Path, galleries: int | None
) -> None:
    benchmark = wordy(galleries=galleries)
    first = evaluate(benchmark, "overlap", Settings(cache=tmp_path))
    second = evaluate(benchmark, "overlap", Settings(cache=tmp_path, batch_size=3, max_memory=1))
    assert scores_and_files(first) == scores_and_files(second)
    alone = evaluate(benchmark, "overlap", Settings(cache=tmp_path, protocols=("gallery",), batch_size=7))
    assert alone.record["scores"]["gallery"] == first.record["scores"]["gallery"]
    assert alone.run.frame().to_csv() == first.run.frame().to_csv()


def test_only_what_is_needed_is_scored(overlap: type[Overlap], tmp_path: Path) -> None:
    """Small galleries one by one, like ones in a block, no more of them at a time than memory allows."""
    benchmark = wordy(documents=200)
    assert benchmark.galleries is not None
    small = benchmark.galleries.sizes < 60
    benchmark = benchmark.subset(np.flatnonzero(small), np.arange(200))
    evaluate(benchmark, "overlap", Settings(cache=tmp_path, protocols=("gallery",)))
    assert benchmark.galleries is not None
    assert overlap.shapes == [(1, size) for size in benchmark.galleries.sizes]
    evaluate(benchmark, "overlap", Settings(cache=tmp_path, batch_size=3))
    assert {shape[1] for shape in overlap.shapes} == {200}
    assert sum(shape[0] for shape in overlap.shapes) == len(benchmark.queries)
    evaluate(benchmark, "overlap", Settings(cache=tmp_path, max_memory=64 * 2 * 200))
    assert {shape[0] for shape in overlap.shapes} <= {1, 2}


def test_large_galleries_need_no_matrix(
    overlap: type[Overlap], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is held beside the run stays under the budget, however many queries and documents there are."""
    import tracemalloc

    from mmret.evaluation.pairs import pair_answers
    from mmret.evaluation.protocols import protocols_of
    from mmret.meter import Meter

    benchmark = wordy(600, 3_000)
    model = overlap(None)
    rng = np.random.default_rng(0)
    monkeypatch.setattr(
        model, "score", lambda queries, documents: rng.random((len(queries), len(documents)), np.float32)
    )
    budget = 4_000_000
    protocols = protocols_of(benchmark)
    _ = benchmark.source_in_gallery
    tracemalloc.start()
    answers = pair_answers(
        model, benchmark, protocols, benchmark.queries, batch_size=512, max_bytes=budget, meter=Meter(), show=False
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * answers.scores.nbytes + budget + 2_000_000
    assert len(answers.scores) * 8 > 1.5 * budget


def test_a_model_that_scores_all_alike_scores_chance_and_the_oracle_100(
    overlap: type[Overlap], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    benchmark = wordy()
    right = {
        q.id: {benchmark.documents[p].id for p in own}
        for q, own in zip(benchmark.queries, benchmark.positives, strict=True)
    }
    monkeypatch.setattr(overlap, "pair", lambda self, query, document: -3.5)
    record = evaluate(benchmark, "overlap", Settings(cache=tmp_path)).record
    for name, slices in record["scores"].items():
        assert record["ties"][name] == 1
        assert all(slices["all"][m]["value"] == slices["all"][m]["random"] for m in ("R@1", "R@5", "MRR", "MedR"))
        if not PROTOCOLS[name].without_source:  # of three that tie, two right and the source, a right one comes first
            above = slices["all"]["target>source"]
            assert [above[key] for key in ("value", "optimistic", "pessimistic")] == [pytest.approx(2 / 3), 1, 0]
    monkeypatch.setattr(overlap, "pair", lambda self, query, document: float(document.id in right[query.id]))
    for slices in evaluate(benchmark, "overlap", Settings(cache=tmp_path)).record["scores"].values():
        assert slices["all"]["R@3"]["value"] == slices["all"]["MRR"]["pessimistic"] == 1


def planted(value: float) -> Any:
    def pair(self: Overlap, query: Any, document: Any) -> float:
        return value if (query.id, document.id) in {("q0003", "d0007"), ("q0004", "d0001")} else 0.0

    return pair


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e60])
def test_scores_that_are_no_numbers_are_named(
    overlap: type[Overlap], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: float
) -> None:
    monkeypatch.setattr(overlap, "pair", planted(value))
    with pytest.raises(
        RunError, match=r"'overlap' returned NaN.* for query q0003 document d0007, query q0004 document d0001"
    ):
        evaluate(wordy(), "overlap", Settings(cache=tmp_path))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda n, m: np.zeros((m, n)), r"float64 \(30, 16\): query q0000, q0001"),
        (lambda n, m: np.zeros((n, m), np.int64), "not int64"),
        (lambda n, m: np.zeros((n, m), np.float16), "not float16"),
        (lambda n, m: [[0.0] * m] * n, "not list"),
        (lambda n, m: np.zeros(m), r"must return float32 or float64 \(16, 30\) .*not float64 \(30,\)"),
    ],
)
def test_a_wrong_shape_or_type_is_named(
    overlap: type[Overlap], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Any, words: str
) -> None:
    monkeypatch.setattr(overlap, "score", lambda self, queries, documents: answer(len(queries), len(documents)))
    with pytest.raises(RunError, match=words):
        evaluate(wordy(), "overlap", Settings(cache=tmp_path))


@pytest.mark.parametrize("model", ["random", "overlap"])
def test_a_run_of_too_many_scores_holds_the_best(
    model: str, overlap: type[Overlap], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(protocols=("global",), cache=tmp_path)
    whole = evaluate(wordy(), model, settings)
    monkeypatch.setattr(scoring, "MOST_SCORES", 1)
    for module in (scoring, pairs):
        monkeypatch.setattr(module, "DEPTH", 3)
    short = evaluate(wordy(), model, settings)
    assert short.record["scores"] == whole.record["scores"]
    assert whole.record["run_depth"] is None
    assert short.record["run_depth"] is not None
    every = whole.run.frame()
    for query, group in short.run.frame().groupby("query", observed=True):
        ordered = every[every["query"] == query].sort_values(["score", "document"], ascending=[False, True])
        assert group["document"].tolist() == ordered["document"].tolist()[:3]
        assert group["score"].tolist() == ordered["score"].tolist()[:3]


@pytest.mark.parametrize("model", ["random", "overlap"])
def test_a_run_of_too_many_scores_keeps_all_of_few_documents(
    model: str, overlap: type[Overlap], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "MOST_SCORES", 1)
    result = evaluate(wordy(), model, Settings(protocols=("global",), cache=tmp_path))
    assert result.record["run_depth"] is None
    assert result.run.lists.sizes.tolist() == [30] * 20
    assert np.isfinite(result.run.scores).all()
