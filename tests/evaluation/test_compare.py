"""Comparison of results, and their exports."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmret.benchmarks import load_benchmark
from mmret.errors import InputError
from mmret.evaluation import (
    EXPORTS,
    MEASURES,
    Result,
    Settings,
    compare_results,
    evaluate,
    oracle_vectors,
    score_vectors,
)

MINI = "omnicvr-mini"


@pytest.fixture(scope="module")
def results(cache: Path) -> dict[str, Result]:
    """Chance twice with different seeds, and a system that is right three times in four."""
    one, two = (evaluate(MINI, "random", Settings(cache=cache, seed=seed)) for seed in (0, 1))
    benchmark = load_benchmark(MINI)
    queries, documents = oracle_vectors(benchmark)
    queries[::4] = -queries[::4]
    summaries = score_vectors(benchmark, queries, documents)
    record = json.loads(one.json())
    record["model"]["name"] = "good"
    record["scores"] = {name: summary.scores for name, summary in summaries.items()}
    per_query = one.per_query.copy()
    for name, summary in summaries.items():
        rows = per_query.protocol == name
        per_query.loc[rows, summary.per_query.columns] = summary.per_query.to_numpy()
    return {"one": one, "two": two, "good": Result(record, per_query.infer_objects(), one.run)}


def test_systems_fall_into_groups_and_digits_repeat(results: dict[str, Result]) -> None:
    order = [results["two"], results["good"], results["one"]]
    ranking = compare_results(order, measure="R@10")
    assert next(iter(ranking.systems)) == "good"
    assert ranking.groups["good"] == [1]
    assert ranking.groups["random"] == ranking.groups["random (3)"] == [2]
    assert len(ranking.pairs) == 3
    for pair in ranking.pairs:
        assert pair.adjusted >= pair.comparison.p
        assert pair.comparison.low <= pair.comparison.effect <= pair.comparison.high
    again = compare_results(order, measure="R@10")
    assert json.dumps(again.describe()) == json.dumps(ranking.describe())
    other = compare_results(order[::-1], measure="R@10")
    assert {pair.comparison.p for pair in other.pairs} == {pair.comparison.p for pair in ranking.pairs}


def test_ranks_are_better_when_smaller(results: dict[str, Result]) -> None:
    ranking = compare_results([results["one"], results["good"]], measure="MedR", protocol="global")
    assert list(ranking.systems) == ["good", "random"]
    assert ranking.pairs[0].comparison.effect < 0


def test_what_differs_is_said(results: dict[str, Result], small: Path, cache: Path) -> None:
    one = results["one"]
    settings = Settings(cache=cache)
    with pytest.raises(InputError, match=r"differ in their benchmark: omnicvr-mini and small"):
        compare_results([one, evaluate(str(small), "random", settings)])
    few = evaluate(MINI, "random", Settings(cache=cache, limit=10))
    with pytest.raises(InputError, match="differ in their set of queries"):
        compare_results([one, few])
    gallery = evaluate(MINI, "random", Settings(cache=cache, protocols=("gallery",)))
    with pytest.raises(InputError, match=r"was not scored under protocol 'global'; it has: gallery"):
        compare_results([one, gallery], protocol="global")
    with pytest.raises(InputError, match=r"was not scored by nDCG@10; run it again with --measure nDCG@10"):
        compare_results([one, gallery], measure="nDCG@10")
    with pytest.raises(InputError, match="at least two"):
        compare_results([one])


def test_mteb_loads_the_export(results: dict[str, Result], tmp_path: Path) -> None:
    from mmret import cpu_torch

    cpu_torch.prepare()
    from mteb.results import TaskResult

    path = tmp_path / "result.json"
    path.write_text(EXPORTS["mteb"](results["good"]))
    loaded = TaskResult.from_disk(path)
    assert loaded.task_name == MINI
    subsets = {entry["hf_subset"]: entry for entry in loaded.scores["gallery_no_source"]}
    expected = results["good"].record["scores"]["gallery-no-source"]
    assert subsets["default"]["recall_at_10"] == expected["all"]["R@10"]["value"]
    assert subsets["audio-center"]["mrr"] == expected["audio-center"]["MRR"]["value"]
    assert subsets["default"]["main_score"] == expected["all"]["R@1"]["value"]


def test_an_export_keeps_both_gains_and_the_shape_of_a_table(small: Path, cache: Path) -> None:
    benchmark = load_benchmark(str(small))
    odd = replace(benchmark, slices={"a|b^~": benchmark.slices["odd"]})
    result = evaluate(odd, "random", Settings(cache=cache, measures=["nDCG@10", "nDCG(gain=exp)@10", "nDCG(gain=exp)"]))
    subset = json.loads(EXPORTS["mteb"](result))["scores"]["gallery"][0]
    assert {"ndcg_at_10", "ndcg_exp_at_10", "ndcg_exp", "main_score"} <= subset.keys()
    assert r"| a\|b^~ |" in EXPORTS["markdown"](result)
    assert r"a|b\textasciicircum{}\textasciitilde{}" in EXPORTS["latex"](result)


def test_tables_hold_every_figure(results: dict[str, Result]) -> None:
    result = results["good"]
    rows = list(csv.DictReader(io.StringIO(EXPORTS["csv"](result))))
    assert len(rows) == sum(len(e) - 1 for slices in result.record["scores"].values() for e in slices.values())
    for row in rows:
        assert float(row["value"]) == result.record["scores"][row["protocol"]][row["slice"]][row["measure"]]["value"]
    markdown = EXPORTS["markdown"](result).splitlines()
    assert len(markdown) == 2 + sum(map(len, result.record["scores"].values()))
    assert len({line.count("|") for line in markdown}) == 1
    latex = EXPORTS["latex"](result)
    assert latex.count(r"\\") == len(markdown) - 1
    assert "target$>$source" in latex
    assert np.isfinite([float(row["low"]) for row in rows]).all()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"drop": ("audio",)}, r'drop \[\] there, \["audio"\] here'),
        ({"limit": 3}, "limit null there, 3 here; scored_digest"),
        ({"frames": 2}, "frames 8 there, 2 here"),
        ({"sampling": "ends"}, 'sampling "centres" there'),
        ({"reader": "pyav"}, 'reader "decord" there, "pyav" here'),
        ({"seed": 1}, "seed 0 there, 1 here"),
        ({"protocols": ("global",)}, "protocols that this one lacks: gallery, gallery-no-source"),
        ({"measures": ("R@1",)}, "measures that this one lacks: R@3, R@5"),
    ],
)
def test_a_result_of_other_settings_is_not_replaced(
    small: Path, tmp_path: Path, changed: dict[str, Any], words: str
) -> None:
    output, settings = tmp_path / "out", Settings(cache=tmp_path / "cache")
    evaluate(str(small), "random", settings).save(output)
    other = evaluate(str(small), "random", replace(settings, **changed))
    with pytest.raises(InputError, match=f"{words}.*; name another folder with --output, or pass --overwrite"):
        other.save(output)
    other.save(output, overwrite=True)


def test_a_result_may_be_repeated_and_added_to(small: Path, tmp_path: Path) -> None:
    output, settings = tmp_path / "out", Settings(cache=tmp_path / "cache")
    evaluate(str(small), "random", settings).save(output)
    free = {"workers": 1, "batch_size": 3, "time_limit": 30.0, "max_memory": 1_000_000, "cache": tmp_path / "other"}
    evaluate(str(small), "random", replace(settings, **free)).save(output)
    evaluate(str(small), "random", replace(settings, measures=(*MEASURES, "nDCG@10"))).save(output)
