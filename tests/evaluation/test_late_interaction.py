"""Models with several vectors an item, from the model through the store to the result."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmret.benchmarks import Benchmark
from mmret.encoders import VectorSets, encoders, register_encoder, registry
from mmret.errors import RunError
from mmret.evaluation import PROTOCOLS, Result, Settings, evaluate, oracle_vectors, score_vectors
from mmret.items import Item, Side

from .ranks.slow import single, true_maxsim
from .wordy import Words, wordy


@pytest.fixture
def words(monkeypatch: pytest.MonkeyPatch) -> type[Words]:
    encoders()
    monkeypatch.setattr(registry, "_CLASSES", dict(registry._CLASSES))
    monkeypatch.setattr(Words, "calls", 0)
    return register_encoder(Words)


def scores_and_files(result: Result) -> str:
    decisive = {key: result.record[key] for key in ("benchmark", "scores", "ties", "excluded")}
    return json.dumps(decisive) + result.per_query.to_csv() + result.run.frame().to_csv()


def true_scores(benchmark: Benchmark) -> list[list[Fraction]]:
    encoder = Words.__new__(Words)
    left, right = encoder.embed(benchmark.queries, "query"), encoder.embed(benchmark.documents, "document")
    return [[true_maxsim(query, document) for document in right] for query in left]


@pytest.mark.parametrize("galleries", [None, 0, 1])
def test_every_rank_and_score_is_the_true_one(words: type[Words], tmp_path: Path, galleries: int | None) -> None:
    benchmark = wordy(galleries=galleries)
    result = evaluate(benchmark, "words", Settings(cache=tmp_path, cost_items=0))
    truth = true_scores(benchmark)
    assert benchmark.source is not None
    for name, frame in result.per_query.groupby("protocol", observed=True):
        protocol = PROTOCOLS[str(name)]
        for i, row in enumerate(frame.itertuples()):
            own = (
                range(30)
                if protocol.everything or benchmark.galleries is None
                else benchmark.galleries[i % len(benchmark.galleries)].tolist()
            )
            own = [p for p in own if not protocol.without_source or p != benchmark.source[i]]
            target = max(truth[i][p] for p in benchmark.positives[i])
            assert row.candidates == len(own)
            assert row.greater == sum(truth[i][p] > target for p in own)
            assert row.tied == sum(truth[i][p] == target for p in own)
    at = {item.id: i for i, item in enumerate(benchmark.documents)}, {q.id: i for i, q in enumerate(benchmark.queries)}
    for row in result.run.frame().itertuples():
        assert row.score == single(truth[at[1][row.query]][at[0][row.document]])


def test_no_order_batch_or_memory_changes_a_digit(words: type[Words], tmp_path: Path) -> None:
    benchmark = wordy()
    first = evaluate(benchmark, "words", Settings(cache=tmp_path / "a"))
    second = evaluate(benchmark, "words", Settings(cache=tmp_path / "b", batch_size=3, max_memory=2_000))
    assert scores_and_files(first) == scores_and_files(second)
    whole = words(None)
    one_by_one = VectorSets.of([whole.embed([item], "query")[0] for item in benchmark.queries])
    documents = whole.embed(benchmark.documents[::-1], "document")
    reversed_ = VectorSets.of([documents[29 - i] for i in range(30)])
    summaries = score_vectors(benchmark, one_by_one, reversed_)
    assert {name: summary.scores for name, summary in summaries.items()} == first.record["scores"]


def test_nothing_is_embedded_twice(words: type[Words], tmp_path: Path) -> None:
    settings = Settings(cache=tmp_path, cost_items=0)
    first = evaluate(wordy(), "words", settings)
    calls = words.calls
    assert scores_and_files(evaluate(wordy(), "words", settings)) == scores_and_files(first)
    assert words.calls == calls == 4
    assert first.record["model"]["scoring"] == "maxsim"


def test_a_killed_run_goes_on_where_it_stood(words: type[Words], tmp_path: Path) -> None:
    script = """
import sys, time
from pathlib import Path
from mmret.encoders import register_encoder
from mmret.evaluation import Settings, evaluate
from tests.evaluation.wordy import Words, wordy
if __name__ == "__main__":
    class Slow(Words):
        def embed(self, items, side):
            print(len(items), flush=True)
            time.sleep(0.1)
            return super().embed(items, side)
    register_encoder(Slow)
    evaluate(wordy(), "words", Settings(cache=Path(sys.argv[1]), batch_size=1, cost_items=0))
"""
    (tmp_path / "slow.py").write_text(script)
    command = [sys.executable, str(tmp_path / "slow.py"), str(tmp_path / "cache")]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, start_new_session=True, env=environment
    ) as process:
        assert process.stdout is not None
        for _ in range(8):
            process.stdout.readline()
        os.killpg(process.pid, signal.SIGKILL)
    distinct = sum(len({item.digest for item in items}) for items in (wordy().queries, wordy().documents))
    resumed = evaluate(wordy(), "words", Settings(cache=tmp_path / "cache", batch_size=1, cost_items=0))
    assert words.calls <= distinct - 7
    assert scores_and_files(resumed) == scores_and_files(evaluate(wordy(), "words", Settings(cache=tmp_path / "other")))


def test_the_oracle_scores_100_and_one_set_for_all_scores_chance() -> None:
    """An oracle whose sets hold noise beside the vector that tells, as many as they like."""
    benchmark = wordy(galleries=0)
    random = np.random.default_rng(0)
    queries, documents = oracle_vectors(benchmark)
    faint = np.float32(1e-3)
    noisy = [
        VectorSets.of(
            [
                np.concatenate([[own], faint * random.standard_normal((random.integers(0, 5), 512), np.float32)])
                for own in vectors
            ]
        )
        for vectors in (queries, documents)
    ]
    for summary in score_vectors(benchmark, *noisy).values():
        assert summary.scores["all"]["R@3"]["value"] == summary.scores["all"]["MRR"]["pessimistic"] == 1
    same = np.ones((3, 4), np.float32)
    constant = [VectorSets.of([same] * len(items)) for items in (benchmark.queries, benchmark.documents)]
    for summary in score_vectors(benchmark, *constant).values():
        assert summary.ties == 1
        for measure in ("R@1", "R@5", "MRR"):
            entry = summary.scores["all"][measure]
            assert entry["value"] == entry["random"]


Embed = Callable[[Sequence[Item], Side], Any]


def sets(sizes: Callable[[int], int], value: float = 1.0, width: Callable[[Side], int] = lambda side: 2) -> Embed:
    """Sets of so many vectors, one value throughout."""

    def embed(items: Sequence[Item], side: Side) -> VectorSets:
        return VectorSets.of([np.full((sizes(i), width(side)), value, np.float32) for i in range(len(items))])

    return embed


@pytest.mark.parametrize(
    ("answer", "words_"),
    [
        (sets(lambda i: i % 2), r"no vector for document d\d{4}, d\d{4}"),
        (sets(lambda i: 1, np.nan), r"NaN or infinity for document d\d{4}, d\d{4}"),
        (
            lambda items, side: np.ones((len(items), 2), np.float32),
            r"sets of float32 vectors.*not float32 \(16, 2\): d0",
        ),
        (lambda items, side: VectorSets.of([np.ones((1, 2))] * len(items)), "not 16 sets out of float64"),
        (lambda items, side: VectorSets.of([np.ones((1, 2), np.float32)]), "for 16 document items, not 1 sets"),
        (
            lambda items, side: VectorSets(np.ones((20, 2), np.float32), np.arange(len(items) + 1)),
            r"not 16 sets out of float32 \(20, 2\)",
        ),
        (sets(lambda i: 2, 1.0, lambda side: 2 + (side == "query")), "different length"),
        (
            lambda items, side: VectorSets.of([np.ones((1, len(items)), np.float32)] * len(items)),
            r"1\d dimensions for document d.* and of 16 for others before",
        ),
    ],
)
def test_a_model_that_answers_wrongly_is_stopped(
    words: type[Words], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Embed, words_: str
) -> None:
    monkeypatch.setattr(words, "embed", lambda self, items, side: answer(items, side))
    with pytest.raises(RunError, match=words_):
        evaluate(wordy(), "words", Settings(cache=tmp_path, cost_items=0))
