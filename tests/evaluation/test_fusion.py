"""Runs as one: against a few lines of plain Python, against pytrec_eval, and what must not change anything."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise, permutations
from pathlib import Path
from statistics import fmean, pstdev

import numpy as np
import pytest
import pytrec_eval
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from mmret.benchmarks import Ragged, load_benchmark
from mmret.cli.fuse import fuse as fuse_command
from mmret.errors import InputError
from mmret.evaluation import Labels, Run, read_qrels, read_run, score_run, write_run
from mmret.evaluation.aligned import Aligned, run_at
from mmret.evaluation.fusion import Scaling, by_margin, by_slice, fuse, learn_weights, route

Sets = dict[str, dict[str, float]]


def run_of(sets: Sets, shuffle: random.Random | None = None) -> Run:
    """A run whose queries, documents and lines stand in any order."""
    rows = [(query, list(scores.items())) for query, scores in sets.items()]
    documents = sorted({document for scores in sets.values() for document in scores})
    for some in [rows, documents, *(entries for _, entries in rows)] if shuffle else []:
        shuffle.shuffle(some)
    lists = Ragged.of([[documents.index(document) for document, _ in entries] for _, entries in rows])
    return Run([query for query, _ in rows], documents, lists, np.asarray([s for _, e in rows for _, s in e], float))


def sets_of(run: Run) -> Sets:
    return {
        query: {run.documents[p]: float(s) for p, s in zip(run.lists[i], run.scores[a:b], strict=True)}
        for i, (query, a, b) in enumerate(zip(run.queries, run.lists.offsets, run.lists.offsets[1:], strict=False))
    }


def aligned(*sets: Sets) -> Aligned:
    return Aligned.of([run_of(one) for one in sets], [f"run {i}" for i in range(len(sets))])


def order(scores: dict[str, float]) -> list[set[str]]:
    """The groups of ties, best first."""
    return [{d for d in scores if scores[d] == value} for value in sorted(set(scores.values()), reverse=True)]


def naive_rrf(runs: list[dict[str, float]], k: float) -> dict[str, float]:
    """The mean over all orders of ties, written out: only for very short lists."""
    fused: dict[str, float] = {}
    for run in runs:
        orders = [p for p in permutations(run) if all(run[a] >= run[b] for a, b in pairwise(p))]
        for document in run:
            mean = fmean(1 / (k + p.index(document) + 1) for p in orders)
            fused[document] = fused.get(document, 0.0) + mean / len(runs)
    return fused


def naive_sum(runs: list[dict[str, float]], weights: list[float], scale: str) -> dict[str, float]:
    fused = dict.fromkeys([d for run in runs for d in run], 0.0)
    for run, weight in zip(runs, weights, strict=True):
        scores = list(run.values())
        low, high, mean, spread = min(scores), max(scores), fmean(scores), pstdev(scores)
        for document in fused:
            score = run.get(document, low)
            if scale == "minmax":
                value = 0.0 if document not in run else 1.0 if low == high else (score - low) / (high - low)
            else:
                value = 0.0 if low == high else (score - mean) / spread
            fused[document] += weight * value
    return fused


scores = st.sampled_from([-2.0, 0.0, 0.25, 0.5, 1.0, 7.0])
lists = st.dictionaries(st.sampled_from("abcde"), scores, min_size=1)


@given(st.lists(lists, min_size=2, max_size=3), st.sampled_from([0.0, 1.0, 60.0]))
@settings(deadline=None, max_examples=60)
def test_reciprocal_ranks_are_the_mean_over_all_orders_of_ties(runs: list[dict[str, float]], k: float) -> None:
    padded = [{**run, "common": -9.0} for run in runs]
    found = sets_of(fuse(aligned(*({"q": run} for run in padded)), Scaling("rrf", k)))["q"]
    assert found == pytest.approx(naive_rrf(padded, k), abs=1e-12)


def test_reciprocal_ranks_by_hand() -> None:
    fused = fuse(aligned({"q": {"a": 3.0, "b": 2.0}}, {"q": {"b": 1.0, "c": 1.0, "a": 0.0}}), Scaling())
    found = sets_of(fused)["q"]
    tied = (1 / 61 + 1 / 62) / 2
    assert found == pytest.approx({"a": (1 / 61 + 1 / 63) / 2, "b": (1 / 62 + tied) / 2, "c": tied / 2}, abs=1e-15)


@given(st.lists(lists, min_size=2, max_size=4), st.data(), st.sampled_from(["minmax", "z"]))
@settings(deadline=None)
def test_weighted_sums_are_those_of_plain_arithmetic(
    runs: list[dict[str, float]], data: st.DataObject, scale: str
) -> None:
    weights = data.draw(st.lists(st.integers(1, 9), min_size=len(runs), max_size=len(runs)))
    padded = [{**run, "common": -9.0} for run in runs]
    found = fuse(aligned(*({"q": run} for run in padded)), Scaling(scale), weights)
    expected = naive_sum(padded, [w / sum(weights) for w in weights], scale)
    assert sets_of(found)["q"] == pytest.approx(expected, abs=1e-12)


many = st.dictionaries(st.sampled_from(["q1", "q2", "q3"]), lists, min_size=3, max_size=3)


@given(
    st.lists(many, min_size=2, max_size=4), st.randoms(use_true_random=False), st.sampled_from(["rrf", "minmax", "z"])
)
@settings(deadline=None)
def test_neither_lines_nor_the_order_of_runs_change_a_digit(
    sets: list[Sets], shuffle: random.Random, scale: str
) -> None:
    for one in sets:
        one["q1"]["a"] = 1.0  # a document in common
    first = fuse(aligned(*sets), Scaling(scale))
    shuffle.shuffle(sets)
    runs = [run_of(one, shuffle) for one in sets]
    again = fuse(Aligned.of(runs, "abcd"[: len(runs)]), Scaling(scale))
    assert (again.queries, again.documents) == (first.queries, first.documents)
    assert again.lists.positions.tobytes() == first.lists.positions.tobytes()
    assert again.scores.tobytes() == first.scores.tobytes()


@given(
    st.dictionaries(st.text(max_size=3), st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1),
    st.sampled_from(["rrf", "minmax", "z"]),
)
@settings(deadline=None)
def test_a_run_fused_with_itself_keeps_its_order(one: dict[str, float], scale: str) -> None:
    found = sets_of(fuse(aligned({"q": one}, {"q": one}), Scaling(scale)))["q"]
    groups = order(one)
    if scale == "rrf":
        assert order(found) == groups
        return
    for better, worse in pairwise(groups):  # scales of floats may join neighbours, never swap them
        assert min(found[d] for d in better) >= max(found[d] for d in worse)
    assert all(len({found[d] for d in group}) == 1 for group in groups)


def test_spans_beyond_the_floats_are_scaled() -> None:
    big = {"q": {"a": 1.7e308, "b": -1.7e308, "c": 0.0}}
    assert sets_of(fuse(aligned(big, big), Scaling("minmax")))["q"] == pytest.approx({"a": 1.0, "b": 0.0, "c": 0.5})


def graded(seed: int, queries: int = 60, documents: int = 40) -> tuple[list[Sets], dict[str, dict[str, int]]]:
    """Three systems, the first good, the second fair and the third noise, and what is right."""
    rng = np.random.default_rng(seed)
    right = {f"q{i}": {f"d{rng.integers(documents)}": 1} for i in range(queries)}
    systems = [
        {
            q: {f"d{j}": float(rng.normal() + skill * (f"d{j}" in gold)) for j in range(documents)}
            for q, gold in right.items()
        }
        for skill in (2.5, 1.5, 0.0)
    ]
    return systems, right


def qrels(path: Path, right: dict[str, dict[str, int]]) -> Labels:
    path.write_text("".join(f"{q} 0 {d} {g}\n" for q, gold in right.items() for d, g in gold.items()))
    return read_qrels(path)


def test_learned_weights_are_the_best_of_the_grid_on_the_queries_given(tmp_path: Path) -> None:
    systems, right = graded(0)
    dev = {q: right[q] for q in list(right)[:30]}
    labels = qrels(tmp_path / "dev", dev)
    runs = aligned(*systems)
    learned = learn_weights(runs, Scaling("minmax"), labels, "MRR")
    evaluator = pytrec_eval.RelevanceEvaluator(dev, {"recip_rank"})

    def value(weights: list[float]) -> float:
        fused = {q: naive_sum([system[q] for system in systems], weights, "minmax") for q in dev}
        return fmean(one["recip_rank"] for one in evaluator.evaluate(fused).values())

    grid = [[a / 10, b / 10, (10 - a - b) / 10] for a in range(11) for b in range(11 - a)]
    assert learned.value == pytest.approx(max(map(value, grid)), abs=1e-12)
    assert value(learned.weights) == pytest.approx(learned.value, abs=1e-12)
    assert learned.queries == sorted(dev)
    assert learned.weights[0] > learned.weights[1] > learned.weights[2]
    rest = fuse(runs.without(labels.queries), Scaling("minmax"), learned.weights)
    test = {q: gold for q, gold in right.items() if q not in dev}
    assert set(rest.queries) == set(test)
    held_out = score_run(rest, qrels(tmp_path / "test", test), measures=["MRR"]).scores["MRR"]["value"]
    assert held_out > 0.3


def test_a_measure_that_falls_is_lowered(tmp_path: Path) -> None:
    systems, right = graded(1)
    labels = qrels(tmp_path / "dev", right)
    assert learn_weights(aligned(systems[2], systems[0]), Scaling("z"), labels, "MeanR").weights[1] > 0.5


def test_equally_good_weights_are_those_nearest_to_equal_ones(tmp_path: Path) -> None:
    one: Sets = {"q": {"a": 2.0, "b": 1.0}}
    learned = learn_weights(aligned(one, one), Scaling("minmax"), qrels(tmp_path / "dev", {"q": {"a": 1}}), "MRR")
    assert learned.weights == [0.5, 0.5]


def test_a_routed_query_gets_one_run_as_it_is(small: Path) -> None:
    benchmark = load_benchmark(str(small))
    ids = [item.id for item in benchmark.documents]
    systems = [{q.id: {d: float(i * sign) for i, d in enumerate(ids)} for q in benchmark.queries} for sign in (1, -1)]
    runs = aligned(*systems)
    choice = by_slice(runs, benchmark, {"odd": 1, "default": 0})
    found = sets_of(route(runs, choice))
    odd = {benchmark.queries[i].id for i in benchmark.slices["odd"].tolist()}
    assert found == {q: systems[q in odd][q] for q in systems[0]}
    assert by_slice(runs, benchmark, {"odd": 1, "even": 0}).tolist() == choice.tolist()
    assert set(by_slice(runs, benchmark, {"default": 0, "odd": 1}).tolist()) == {0}  # the first rule that fits
    for rules, words in (
        ({"odd": 1}, "no rule fits: query-0"),
        ({"hard": 1, "default": 0}, "no slice hard; it has: even, odd"),
        ({"default": 2}, r"no such run; there are 0 \(run 0\), 1 \(run 1\)"),
    ):
        with pytest.raises(InputError, match=words):
            by_slice(runs, benchmark, rules)


def test_the_surer_run_is_taken() -> None:
    first: Sets = {
        "q1": {"a": 9.0, "b": 1.0, "c": 0.0},
        "q2": {"a": 3.0, "b": 2.0, "c": 0.0},
        "q3": {"a": 1.0, "b": 1.0},
    }
    second: Sets = {"q1": {"a": 0.1, "b": 0.9, "c": 0.8}, "q2": {"b": 5.0}, "q3": {"a": 1.0, "b": 1.0}}
    assert by_margin(aligned(first, second)).tolist() == [0, 1, 0]


def test_what_does_not_fit_is_named(tmp_path: Path) -> None:
    one: Sets = {"q1": {"a": 1.0}, "q2": {"a": 1.0, "b": 0.5}}
    with pytest.raises(InputError, match=r"run 1: lacks queries .*: q2"):
        aligned(one, {"q1": {"a": 1.0}})
    with pytest.raises(InputError, match="run 0 and run 1 have no document in common"):
        aligned(one, {"q1": {"x": 1.0}, "q2": {"x": 1.0}})
    lacking = Aligned.of([run_of(one), run_of({"q1": {"a": 1.0}})], ["A", "B"], missing="zero")
    assert sets_of(fuse(lacking, Scaling()))["q2"] == pytest.approx({"a": 0.5 / 61, "b": 0.5 / 62})
    twice = Run(["q1"], ["a"], Ragged.of([[0, 0]]), np.asarray([1.0, 2.0]))
    bad = Run(["q1"], ["a", "b"], Ragged.of([[0, 1]]), np.asarray([1.0, np.nan]))
    for run, document in ((twice, "a"), (bad, "b")):
        with pytest.raises(InputError, match=f"mine: query q1: .*: {document}$"):
            fuse(Aligned.of([run, run], ["mine", "mine"]), Scaling())
    for weights in ([1.0], [1.0, -1.0], [0.0, 0.0], [1.0, np.nan]):
        with pytest.raises(InputError, match="weights"):
            fuse(aligned(one, one), Scaling("minmax"), weights)
    with pytest.raises(InputError, match="k of the reciprocal ranks"):
        Scaling("rrf", -1)
    with pytest.raises(InputError, match="the runs lack: q9"):
        learn_weights(aligned(one, one), Scaling(), qrels(tmp_path / "dev", {"q9": {"a": 1}}), "MRR")
    with pytest.raises(InputError, match="no query is left"):
        aligned(one, one).without(["q1", "q2"])
    with pytest.raises(InputError, match=r"holds no run\.parquet"):
        run_at(tmp_path)


@pytest.fixture
def call(tmp_path: Path) -> Callable[..., str]:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(fuse_command)
    systems, right = graded(3, queries=20)
    for name, system in zip("ab", systems, strict=False):
        write_run(run_of(system), tmp_path / f"{name}.parquet")
    qrels(tmp_path / "dev", {q: right[q] for q in list(right)[:8]})

    def invoke(*arguments: str) -> str:
        files = [str(tmp_path / f"{name}.parquet") for name in "ab"]
        outcome = CliRunner().invoke(app, [*files, "-o", str(tmp_path / "out.txt"), *arguments], catch_exceptions=False)
        assert outcome.exit_code == 0, outcome.output
        return outcome.stderr

    return invoke


def test_the_command_fuses_files(call: Callable[..., str], tmp_path: Path) -> None:
    assert "20 queries" in call()
    assert len(read_run(tmp_path / "out.txt").queries) == 20
    told = call("--method", "weighted", "--learn", str(tmp_path / "dev"), "--measure", "MRR")
    assert "learned on 8 queries" in told
    assert "the other 12 queries" in told
    assert len(read_run(tmp_path / "out.txt").queries) == 12
    assert "answers" in call("--method", "routed", "--route", "margin")
    call("--method", "weighted", "--normalise", "z", "--weights", "0.9,0.1")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--method", "routed"], "--route"),
        (["--route", "margin"], "--method routed"),
        (["--method", "routed", "--route", "hard=1"], "--bench"),
        (["--method", "routed", "--route", "hard", "--bench", "omnicvr-mini"], "LABEL=NUMBER"),
        (["--weights", "a,b"], "0.7,0.3"),
        (["--weights", "1"], "2 runs but 1 weights"),
        (["--weights", "1,1", "--learn", "x"], "--learn"),
        (["--learn", "nowhere"], "nowhere: no such file"),
        (["elsewhere.parquet"], "elsewhere.parquet: no such file"),
    ],
)
def test_the_command_refuses(call: Callable[..., str], arguments: list[str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        call(*arguments)
