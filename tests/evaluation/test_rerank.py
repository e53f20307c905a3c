"""Two stages: the second one's order above, the first one's beneath, and a ceiling that is exact."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from numpy.typing import NDArray
from typer.testing import CliRunner

from mmret.benchmarks import Benchmark, Ragged
from mmret.cli.fuse import rerank as rerank_command
from mmret.encoders import Options, Spec, encoders, register_encoder, registry
from mmret.errors import InputError
from mmret.evaluation import Run, Settings, compare_results, evaluate, read_run, score_run_on, write_run
from mmret.evaluation.rerank import Reranked, rerank
from mmret.items import Item

from .wordy import TEXT, Overlap, Words, wordy

Sets = dict[str, dict[str, float]]


class Oracle:
    """Knows the labels."""

    spec = Spec("oracle", "1", TEXT, TEXT, "knows the labels", "Apache-2.0", scoring="pairs")
    grades: dict[tuple[str, str], float]

    def __init__(self, options: Options) -> None:
        self.preprocessing: dict[str, Any] = {}

    def score(self, queries: Sequence[Item], documents: Sequence[Item]) -> NDArray[np.float64]:
        return np.array([[self.grades.get((q.id, d.id), 0.0) for d in documents] for q in queries])


@pytest.fixture(autouse=True)
def _models(monkeypatch: pytest.MonkeyPatch) -> None:
    encoders()
    monkeypatch.setattr(registry, "_CLASSES", dict(registry._CLASSES))
    for cls in (Oracle, Overlap, Words):
        register_encoder(cls)


@pytest.fixture
def benchmark() -> Benchmark:
    made = wordy(queries=30, documents=60, galleries=0)
    rows = zip(made.positives.rows.tolist(), made.positives.positions.tolist(), strict=True)
    Oracle.grades = {(made.queries[q].id, made.documents[d].id): 1.0 for q, d in rows}
    return made


@pytest.fixture
def first(benchmark: Benchmark) -> Run:
    return evaluate(benchmark, "overlap").run


def sets_of(run: Run) -> Sets:
    return {
        query: {run.documents[p]: float(s) for p, s in zip(run.lists[i], run.scores[a:b], strict=True)}
        for i, (query, a, b) in enumerate(zip(run.queries, run.lists.offsets, run.lists.offsets[1:], strict=False))
    }


def groups(scores: dict[str, float]) -> list[set[str]]:
    """The groups of ties, best first."""
    return [{d for d in scores if scores[d] == value} for value in sorted(set(scores.values()), reverse=True)]


def expected_order(first: dict[str, float], second: dict[str, float], k: int) -> list[set[str]]:
    edge = sorted(first.values(), reverse=True)[:k][-1]
    top = {d for d in first if first[d] >= edge}
    return groups({d: second[d] for d in top}) + groups({d: first[d] for d in first if d not in top})


@pytest.mark.parametrize("k", [1, 5, 60, 1000])
@pytest.mark.parametrize("model", ["words", "random"])
def test_the_second_order_above_and_the_first_beneath(benchmark: Benchmark, first: Run, model: str, k: int) -> None:
    found = rerank(first, "bm", benchmark, model, k)
    one, two, new = sets_of(first), sets_of(evaluate(benchmark, model).run), sets_of(found.run)
    for query, scores in new.items():
        assert groups(scores) == expected_order(one[query], two[query], k)
        edge = sorted(one[query].values(), reverse=True)[:k][-1]
        assert found.candidates[found.run.queries.index(query)] == sum(s >= edge for s in one[query].values())


@pytest.mark.parametrize("k", [1, 3, 10, 60])
def test_the_oracle_reaches_the_ceiling_and_nobody_passes_it(benchmark: Benchmark, first: Run, k: int) -> None:
    measures = ("R@1", "R@5", "nDCG@10", "MRR", "AP")
    best = rerank(first, "bm", benchmark, "oracle", k, Settings(measures=measures))
    assert best.scores["reranked"] == best.scores["ceiling"]
    other = rerank(first, "bm", benchmark, "words", k, Settings(measures=measures))
    assert other.scores["ceiling"] == best.scores["ceiling"]
    for name in measures:
        value, ceiling = (other.scores[s]["global"]["all"][name]["value"] for s in ("reranked", "ceiling"))
        assert value <= ceiling
    one = sets_of(first)
    held = []
    for query, gold in zip(benchmark.queries, benchmark.positives, strict=True):
        edge = sorted(one[query.id].values(), reverse=True)[:k][-1]
        held.append(np.mean([one[query.id][benchmark.documents[d].id] >= edge for d in gold]))
    assert best.recall == pytest.approx(float(np.mean(held)))


def test_recall_at_k_is_the_ceiling_where_nothing_ties(benchmark: Benchmark) -> None:
    scores = np.random.default_rng(0).permutation(30 * 60).astype(float)
    ids = [[item.id for item in items] for items in (benchmark.queries, benchmark.documents)]
    first = Run(ids[0], ids[1], Ragged.of([range(60)] * 30), scores)
    found = rerank(first, "mine", benchmark, "oracle", 7, Settings(measures=("R@7",)))
    assert found.recall == found.scores["first"]["global"]["all"]["R@7"]["value"]
    assert found.recall == found.scores["ceiling"]["global"]["all"]["R@7"]["value"]
    assert set(found.candidates.tolist()) == {7}


def test_neither_lines_nor_documents_in_another_order_change_anything(benchmark: Benchmark, first: Run) -> None:
    frame = first.frame().sample(frac=1, random_state=1)
    queries, documents = frame["query"].astype(str).unique().tolist(), frame["document"].astype(str).unique().tolist()
    lists, scores = [], []
    for query in queries:
        part = frame[frame["query"] == query]
        lists.append([documents.index(d) for d in part["document"].astype(str)])
        scores.append(part["score"].to_numpy())
    shuffled = Run(queries, documents, Ragged.of(lists), np.concatenate(scores))
    a, b = (rerank(run, "bm", benchmark, "words", 5) for run in (first, shuffled))
    assert a.run.frame().equals(b.run.frame())
    assert plain(a) == plain(b)


def plain(found: Reranked) -> str:
    return json.dumps({key: value for key, value in found.describe().items() if key != "cost"})


def test_both_stages_are_tested_as_compare_does(benchmark: Benchmark, first: Run) -> None:
    """With k = all documents the second stage is the second model, whose comparison with the first is known."""
    one, two = evaluate(benchmark, "overlap"), evaluate(benchmark, "words")
    found = rerank(first, "bm", benchmark, "words", 1000)
    pair = compare_results([one, two], measure="R@5").pairs[0]
    sign = 1 if pair.first == "words" else -1
    assert found.comparisons["R@5"].p == pair.comparison.p
    assert found.comparisons["R@5"].effect == sign * pair.comparison.effect
    assert found.scores["reranked"]["global"] == score_run_on(two.run, benchmark).scores["global"]
    assert found.cost["stages"]["score"]["items"] == 30


def test_a_limit_leaves_no_query_as_it_was(benchmark: Benchmark, first: Run) -> None:
    assert plain(rerank(first, "bm", benchmark, "words", 5, Settings(limit=3))) == plain(
        rerank(first, "bm", benchmark, "words", 5)
    )


def test_galleries_stay_what_they_were(first: Run) -> None:
    made = wordy(queries=20, documents=30)
    run = evaluate(made, "overlap").run
    found = rerank(run, "bm", made, "words", 3)
    assert {q: set(s) for q, s in sets_of(found.run).items()} == {q: set(s) for q, s in sets_of(run).items()}
    assert list(found.scores["reranked"]) == ["gallery", "gallery-no-source"]


def test_scores_of_any_size_leave_room_beneath(benchmark: Benchmark, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [[item.id for item in items] for items in (benchmark.queries, benchmark.documents)]
    first = Run(ids[0], ids[1], Ragged.of([range(60)] * 30), np.tile(np.arange(60.0), 30))
    monkeypatch.setattr(
        Oracle, "score", lambda self, queries, documents: np.full((len(queries), len(documents)), -3e38)
    )
    for scores in sets_of(rerank(first, "mine", benchmark, "oracle", 2).run).values():
        assert [len(group) for group in groups(scores)] == [2] + [1] * 58


def test_what_does_not_fit_is_named(benchmark: Benchmark, first: Run) -> None:
    with pytest.raises(InputError, match="k must be at least 1"):
        rerank(first, "bm", benchmark, "words", 0)
    with pytest.raises(InputError, match="bm: queries that wordy lacks: q9"):
        rerank(replace(first, queries=["q9", *first.queries[1:]]), "bm", benchmark, "words", 5)
    with pytest.raises(InputError, match="bm: documents that wordy lacks: d9"):
        rerank(replace(first, documents=["d9", *first.documents[1:]]), "bm", benchmark, "words", 5)
    less = Run(first.queries[1:], first.documents, Ragged(first.lists.offsets[1:], first.lists.positions), first.scores)
    with pytest.raises(InputError, match=r"bm: lacks queries.*: q0000"):
        rerank(less, "bm", benchmark, "words", 5)


@pytest.fixture
def files(benchmark: Benchmark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("mmret.benchmarks.load_benchmark", lambda *_, **__: benchmark)
    evaluate(benchmark, "overlap").save(tmp_path / "first")
    write_run(read_run(tmp_path / "first" / "run.parquet"), tmp_path / "first.txt")
    return tmp_path


def test_the_command_shows_both_stages_and_the_ceiling(files: Path) -> None:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(rerank_command)
    common = ["-m", "words", "-b", "wordy", "-k", "5", "-o", str(files / "out.parquet")]
    shown = CliRunner().invoke(app, ["--run", str(files / "first"), *common], catch_exceptions=False)
    assert shown.exit_code == 0
    assert "ceiling" in shown.stdout
    assert "first stage: " in shown.stderr
    assert len(read_run(files / "out.parquet").queries) == 30
    told = CliRunner().invoke(app, ["--run", str(files / "first.txt"), *common, "--json"], catch_exceptions=False)
    record = json.loads(told.stdout)
    assert record["cost"]["first"] is None
    assert record["scores"]["ceiling"]["global"]["all"]["R@5"]["value"] == pytest.approx(record["recall"], abs=0.2)
