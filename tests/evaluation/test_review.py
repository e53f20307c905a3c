"""Which documents people should look at: the labels call them wrong, and several systems call them right."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from mmret.benchmarks import Benchmark, Ragged
from mmret.cli.labels import review as review_command
from mmret.errors import InputError
from mmret.evaluation import Run, write_run
from mmret.evaluation.review import likely_false_negatives

from .wordy import wordy

NAMES = ["A", "B", "C"]


@pytest.fixture
def benchmark() -> Benchmark:
    return wordy(queries=12, documents=25, galleries=0)


def random_runs(benchmark: Benchmark, seed: int = 0) -> list[Run]:
    """Three systems whose scores tie often."""
    rng = np.random.default_rng(seed)
    ids = [[item.id for item in items] for items in (benchmark.queries, benchmark.documents)]
    n, m = len(ids[0]), len(ids[1])
    return [Run(ids[0], ids[1], Ragged.of([range(m)] * n), rng.integers(0, 9, n * m).astype(float)) for _ in NAMES]


def naive(runs: list[Run], benchmark: Benchmark, agree: int, depth: int) -> list[tuple[str, str, int, float]]:
    found = []
    for q, right in enumerate(benchmark.positives):
        tables = [run.scores.reshape(len(benchmark.queries), -1)[q].tolist() for run in runs]
        for d in range(len(benchmark.documents)):
            if d in right or (benchmark.source is not None and d == benchmark.source[q]):
                continue
            ranks = [sum(s > t[d] for s in t) + (sum(s == t[d] for s in t) + 1) / 2 for t in tables]
            above = [t[d] > max(t[g] for g in right) and r <= depth for t, r in zip(tables, ranks, strict=True)]
            if sum(above) >= agree:
                mean = sum(1 / r for r in ranks) / len(runs)
                found.append((benchmark.queries[q].id, benchmark.documents[d].id, sum(above), mean))
    return sorted(found, key=lambda one: (-one[2], -round(one[3], 12), one[0], one[1]))


@pytest.mark.parametrize(("agree", "depth"), [(1, 3), (2, 5), (2, 10), (3, 25)])
def test_the_list_is_that_of_plain_loops(benchmark: Benchmark, agree: int, depth: int) -> None:
    runs = random_runs(benchmark)
    expected = naive(runs, benchmark, agree, depth)
    assert expected
    found = likely_false_negatives(runs, NAMES, benchmark, agree=agree, depth=depth)
    assert [(one.query.id, one.document.id, one.systems) for one in found] == [one[:3] for one in expected]
    assert [one.mean_reciprocal_rank for one in found] == pytest.approx([one[3] for one in expected])


def test_ranks_are_told_system_by_system(benchmark: Benchmark) -> None:
    runs = random_runs(benchmark)
    one = likely_false_negatives(runs, NAMES, benchmark)[0]
    q, d = benchmark.queries.index(one.query), benchmark.documents.index(one.document)
    for name, run in zip(NAMES, runs, strict=True):
        scores = run.scores.reshape(len(benchmark.queries), -1)[q]
        assert one.ranks[name] == (scores > scores[d]).sum() + ((scores == scores[d]).sum() + 1) / 2
    assert [item.id for item in one.gold] == [benchmark.documents[i].id for i in benchmark.positives[q]]


def test_the_order_of_systems_and_lines_does_not_matter(benchmark: Benchmark) -> None:
    runs = random_runs(benchmark)
    first = likely_false_negatives(runs, NAMES, benchmark)
    again = likely_false_negatives(runs[::-1], NAMES[::-1], benchmark)
    assert first == again


def test_a_short_list_that_misses_the_gold(benchmark: Benchmark) -> None:
    wrong = next(i for i in range(25) if i not in benchmark.positives[0] and i != 7)
    ids = [[item.id for item in items] for items in (benchmark.queries, benchmark.documents)]
    lists = Ragged.of([[wrong], *([int(own[0])] for own in list(benchmark.positives)[1:])])
    runs = [Run(ids[0], ids[1], lists, np.ones(12)) for _ in NAMES]
    found = likely_false_negatives(runs, NAMES, benchmark, agree=3)
    assert [(one.query.id, one.document.id) for one in found] == [("q0000", ids[1][wrong])]
    assert found[0].gold_ranks == {"A": None, "B": None, "C": None}
    assert found[0].mean_reciprocal_rank == 1.0


def test_what_does_not_fit_is_named(benchmark: Benchmark) -> None:
    runs = random_runs(benchmark)
    for arguments, words in (
        ({"agree": 4}, "--agree must be between 1 and the number of systems, 3"),
        ({"depth": 0}, "--depth"),
    ):
        with pytest.raises(InputError, match=words):
            likely_false_negatives(runs, NAMES, benchmark, **arguments)
    with pytest.raises(InputError, match="each system must be given once: A, A, B"):
        likely_false_negatives(runs, ["A", "A", "B"], benchmark)
    stray = Run(runs[0].queries, ["x", *runs[0].documents[1:]], runs[0].lists, runs[0].scores)
    with pytest.raises(InputError, match="B: documents that wordy lacks: x"):
        likely_false_negatives([runs[0], stray], ["A", "B"], benchmark)


@pytest.mark.parametrize("name", ["list.jsonl", "list.csv"])
def test_the_command_writes_a_list(
    benchmark: Benchmark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("mmret.benchmarks.load_benchmark", lambda *_, **__: benchmark)
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(review_command)
    paths = [tmp_path / f"{system}.parquet" for system in NAMES]
    runs = random_runs(benchmark)
    for path, run in zip(paths, runs, strict=True):
        write_run(run, path)
    outcome = CliRunner().invoke(
        app, [*map(str, paths), "-b", "wordy", "-o", str(tmp_path / name)], catch_exceptions=False
    )
    assert outcome.exit_code == 0, outcome.output
    with (tmp_path / name).open(newline="") as file:
        rows = list(csv.DictReader(file)) if name.endswith("csv") else [json.loads(line) for line in file]
    expected = likely_false_negatives(runs, list(map(str, paths)), benchmark)
    assert [(row["query"], row["document"]) for row in rows] == [(one.query.id, one.document.id) for one in expected]
    assert rows[0]["query_text"] == expected[0].query.text
    gold = json.loads(rows[0]["gold"]) if name.endswith("csv") else rows[0]["gold"]
    assert gold == [item.id for item in expected[0].gold]
    assert ("verdict" in rows[0]) == name.endswith("csv")
