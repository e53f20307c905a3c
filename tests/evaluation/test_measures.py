from __future__ import annotations

import itertools
import math
import statistics

import ir_measures
import numpy as np
import pytest
import pytrec_eval
from hypothesis import given, settings
from hypothesis import strategies as st

from mmret.benchmarks.ragged import Ragged
from mmret.errors import InputError
from mmret.evaluation.measures import FAMILIES, Measure, Values
from mmret.evaluation.ranks import Counts, count_scores

CUTOFFS = ["R", "Success", "P", "nDCG", "nDCG(gain=exp)", "MRR", "AP"]
NAMES = [f"{name}@{k}" for name in CUTOFFS for k in (1, 2, 3, 10)] + [
    *("nDCG", "nDCG(gain=exp)", "MRR", "AP", "Rprec", "MedR", "MeanR")
]


def plain(measure: Measure, ranking: list[float], ideal: list[float]) -> float:
    """By definition: gains in the order of the ranking (0 = not a positive), and all positives' gains."""
    k = len(ranking) if measure.cutoff is None else measure.cutoff
    hits = [i for i, gain in enumerate(ranking) if gain > 0]
    inside = [i for i in hits if i < k]

    def dcg(gains: list[float]) -> float:
        grown = [2**gain - 1 if measure.exponential else gain for gain in gains[:k]]
        return sum(gain / math.log2(i + 2) for i, gain in enumerate(grown))

    match measure.name:
        case "R":
            return len(inside) / len(ideal)
        case "Success":
            return float(bool(inside))
        case "P":
            return len(inside) / k
        case "nDCG":
            return dcg(ranking) / dcg(sorted(ideal, reverse=True) if measure.cutoff else sorted(ideal)[::-1])
        case "MRR":
            return 1 / (inside[0] + 1) if inside else 0.0
        case "AP":
            return sum((n + 1) / (i + 1) for n, i in enumerate(inside)) / len(ideal)
        case "Rprec":
            return len([i for i in hits if i < len(ideal)]) / len(ideal)
        case _:
            return hits[0] + 1 if hits else math.inf


def plain_full(measure: Measure, ranking: list[float], ideal: list[float]) -> float:
    """Without a cut-off the ideal of nDCG may be longer than the ranking."""
    return plain(measure, ranking + [0.0] * len(ideal), ideal)


def orders(scores: list[int], gains: list[float]) -> list[list[float]]:
    """All rankings: groups of equal scores in every order."""
    groups = [[g for s, g in zip(scores, gains, strict=True) if s == score] for score in sorted(set(scores))[::-1]]
    return [list(itertools.chain(*some)) for some in itertools.product(*map(itertools.permutations, groups))]


tied_query = st.tuples(
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from([0, 0, 1, 1, 2, 3])), min_size=1, max_size=6),
    st.lists(st.sampled_from([1, 2]), max_size=2),  # positives that the run lacks
).filter(lambda query: any(gain for _, gain in query[0]) or bool(query[1]))


def counts_of(queries: list[tuple[list[tuple[int, int]], list[int]]]) -> Counts:
    run = Ragged.of([range(len(listed)) for listed, _ in queries])
    scores = [score for listed, _ in queries for score, _ in listed]
    positives, gains = [], []
    for listed, missing in queries:
        own = [(i, gain) for i, (_, gain) in enumerate(listed) if gain] + [(100 + i, g) for i, g in enumerate(missing)]
        positives.append([i for i, _ in own])
        gains += [gain for _, gain in own]
    return count_scores(run, np.array(scores, float), Ragged.of(positives), np.array(gains, float))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=50)
@given(st.lists(tied_query, min_size=1, max_size=3))
def test_expectations_equal_the_mean_over_all_orders(
    name: str, queries: list[tuple[list[tuple[int, int]], list[int]]]
) -> None:
    measure = Measure.parse(name)
    values = measure(counts_of(queries))
    for i, (listed, missing) in enumerate(queries):
        scores, gains = [score for score, _ in listed], [float(gain) for _, gain in listed]
        ideal = [gain for gain in gains if gain] + [float(gain) for gain in missing]
        each = [plain_full(measure, ranking, ideal) for ranking in orders(scores, gains)]
        ends = sorted([max(each), min(each)], reverse=measure.higher_is_better)
        assert values.expected[i] == pytest.approx(statistics.fmean(each), abs=1e-12)
        assert values.optimistic[i] == pytest.approx(ends[0], abs=1e-12)
        assert values.pessimistic[i] == pytest.approx(ends[1], abs=1e-12)


def random_run(
    random: np.random.Generator, most: int
) -> tuple[Counts, dict[str, dict[str, float]], dict[str, dict[str, int]]]:
    """Tie-free, so that the tools' own orders of ties play no part; scores are whole and so exact in float32."""
    n, documents = 30, 200
    lists = [random.choice(documents, random.integers(1, documents), replace=False) for _ in range(n)]
    positives = [random.choice(documents, random.integers(1, most + 1), replace=False) for _ in range(n)]
    scores = [random.permutation(1000)[: len(some)].astype(float) for some in lists]
    gains = [random.integers(1, 4, len(some)) for some in positives]
    run = {f"q{i}": {f"d{c}": float(s) for c, s in zip(lists[i], scores[i], strict=True)} for i in range(n)}
    qrels = {f"q{i}": {f"d{c}": int(g) for c, g in zip(positives[i], gains[i], strict=True)} for i in range(n)}
    counts = count_scores(
        Ragged.of(lists), np.concatenate(scores), Ragged.of(positives), np.concatenate(gains).astype(float)
    )
    return counts, run, qrels


TREC = {
    "R@1": "recall_1",
    "R@10": "recall_10",
    "Success@5": "success_5",
    "P@10": "P_10",
    "nDCG": "ndcg",
    "nDCG@1": "ndcg_cut_1",
    "nDCG@10": "ndcg_cut_10",
    "MRR": "recip_rank",
    "AP": "map",
    "AP@20": "map_cut_20",
    "Rprec": "Rprec",
}
IR = {**{name: name for name in TREC if name != "MRR"}, "MRR": "RR", "MRR@10": "RR@10", "MRR@3": "RR@3"}


@pytest.mark.parametrize("most", [1, 3, 60])
def test_agreement_with_trec_eval(most: int) -> None:
    for seed in range(20):
        counts, run, qrels = random_run(np.random.default_rng([seed, most]), most)
        asked = {
            "recall.1,10",
            "success.5",
            "P.10",
            "ndcg",
            "ndcg_cut.1,10",
            "recip_rank",
            "map",
            "map_cut.20",
            "Rprec",
        }
        found = pytrec_eval.RelevanceEvaluator(qrels, asked).evaluate(run)
        for name, theirs in TREC.items():
            expected = [found[f"q{i}"][theirs] for i in range(30)]
            values = Measure.parse(name)(counts)
            np.testing.assert_allclose(values.expected, expected, rtol=0, atol=1e-9)
            assert values.optimistic is values.expected


@pytest.mark.parametrize("most", [1, 3, 60])
def test_agreement_with_ir_measures(most: int) -> None:
    names = {ir_measures.parse_measure(theirs): ours for ours, theirs in IR.items()}
    for seed in range(5):
        counts, run, qrels = random_run(np.random.default_rng([seed, most, 1]), most)
        values = {ours: Measure.parse(ours)(counts).expected for ours in names.values()}
        for metric in ir_measures.iter_calc(list(names), qrels, run):
            ours = values[names[metric.measure]][int(metric.query_id[1:])]
            assert ours == pytest.approx(metric.value, abs=1e-9)


def constant(n: int, right: int) -> Counts:
    return Counts(
        np.zeros(right, np.int32), np.ones(right), np.zeros(right, np.int64), np.full(right, n), np.array([n])
    )


def test_a_constant_scorer_gets_the_random_expectation() -> None:
    for n in (*range(1, 50), 97, 128, 399):
        for right in {1, min(3, n), n}:
            values = {name: Measure.parse(name)(constant(n, right)) for name in ("R@1", "P@1", "Success@1", "MeanR")}
            assert values["R@1"].expected.tolist() == [1 / n]
            assert values["P@1"].expected.tolist() == [right / n]
            assert values["Success@1"].expected.tolist() == [right / n]
            assert values["MeanR"].expected.tolist() == [(n + 1) / (right + 1)]
            assert values["R@1"].optimistic.tolist() == [1 / right]
            assert values["R@1"].pessimistic.tolist() == [1.0 if n == right == 1 else 1 / n if n == right else 0.0]


def test_large_ties_keep_their_digits() -> None:
    n = 100_000
    values = {name: float(Measure.parse(name)(constant(n, 1)).expected[0]) for name in ("MRR", "AP", "MRR@10")}
    harmonic = math.fsum(1 / i for i in range(1, n + 1)) / n
    assert values["MRR"] == values["AP"] == pytest.approx(harmonic, rel=1e-12)
    assert values["MRR@10"] == pytest.approx(math.fsum(1 / i for i in range(1, 11)) / n, rel=1e-12)
    assert float(Measure.parse("Success@50000")(constant(n, 4)).expected[0]) == pytest.approx(1 - 0.5**4, abs=1e-4)


def test_a_perfect_ranking_is_exactly_one() -> None:
    for right in range(1, 60):
        order = np.arange(right)
        counts = Counts(
            np.zeros(right, np.int32), np.sort(order % 4 + 1.0)[::-1], order, np.ones(right, np.int64), np.array([99])
        )
        for name in ("nDCG", "nDCG@10", "nDCG(gain=exp)", "AP", "MRR", "Rprec", "R@100"):
            assert Measure.parse(name)(counts).expected.tolist() == [1.0]


def test_the_order_of_positives_changes_no_bit() -> None:
    random = np.random.default_rng(0)
    counts, *_ = random_run(random, 60)
    tied = Counts(
        counts.query, counts.gain, counts.greater // 60 * 60, np.minimum(counts.tied * 60, 60), counts.candidates
    )
    for some in (counts, tied):
        order = np.lexsort((random.random(len(some.query)), some.query))
        moved = Counts(some.query[order], some.gain[order], some.greater[order], some.tied[order], some.candidates)
        for name in NAMES:
            first, second = Measure.parse(name)(some), Measure.parse(name)(moved)
            for kind in ("expected", "optimistic", "pessimistic"):
                np.testing.assert_array_equal(getattr(first, kind), getattr(second, kind))


def test_queries_without_positives_and_without_hits() -> None:
    counts = Counts(np.array([0, 2], np.int32), np.ones(2), np.array([-1, 0]), np.array([0, 1]), np.array([5, 5, 5]))
    assert Measure.parse("R@1")(counts).expected.tolist() == pytest.approx([0, math.nan, 1], nan_ok=True)
    assert Measure.parse("MeanR")(counts).expected.tolist() == pytest.approx([math.inf, math.nan, 1], nan_ok=True)
    empty = Counts(np.zeros(0, np.int32), np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, int))
    for name in NAMES:
        assert isinstance(Measure.parse(name)(empty), Values)


@given(
    st.sampled_from(sorted(FAMILIES)), st.integers(1, 10**6), st.booleans(), st.booleans(), st.sampled_from([0, 1, 2])
)
def test_text_and_back(name: str, k: int, cut: bool, exponential: bool, style: int) -> None:
    family = FAMILIES[name]
    cutoff = k if family.cutoff == "needed" or (cut and family.cutoff == "free") else None
    measure = Measure(name, cutoff, exponential and name == "nDCG")
    text = str(measure)
    assert Measure.parse([text, text.replace(name, name.lower()), f" {text} "][style]) == measure
    assert measure.higher_is_better == (name not in ("MedR", "MeanR"))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("recall@5", "R@5"),
        ("hit@1", "Success@1"),
        ("MAP", "AP"),
        ("rr@10", "MRR@10"),
        ("nDCG(gain=linear)@5", "nDCG@5"),
    ],
)
def test_synonyms(text: str, name: str) -> None:
    assert str(Measure.parse(text)) == name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nDGC@10", "did you mean nDCG"),
        ("R", "cut-off"),
        ("R@0", "cut-off"),
        ("MedR@5", "takes no cut-off"),
        ("R(gain=exp)@5", "only nDCG"),
        ("", "unknown measure"),
        ("R@-1", "unknown measure"),
        ("R@1 @2", "unknown measure"),
        ("R@" + "9" * 5000, "no ranking has so many places"),
    ],
)
def test_bad_names(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Measure.parse(text)


def test_aggregates() -> None:
    assert Measure.parse("MedR").aggregate([1, 2, 10]) == 2
    assert Measure.parse("MedR").aggregate([1, math.inf, 2]) == 2
    assert Measure.parse("MeanR").aggregate([1, math.inf]) == math.inf
    assert math.isnan(Measure.parse("R@1").aggregate([]))
    random = np.random.default_rng(0)
    values = random.random(1000)
    assert len({Measure.parse("R@1").aggregate(random.permutation(values)) for _ in range(20)}) == 1


def test_grades_beyond_a_float_are_refused_and_not_left_out() -> None:
    counts = Counts(np.zeros(1, np.int32), np.array([2000.0]), np.zeros(1, int), np.ones(1, int), np.array([5]))
    assert Measure.parse("nDCG@10")(counts).expected.tolist() == [1]
    with pytest.raises(InputError, match="a grade of 2000 is too large"):
        Measure.parse("nDCG(gain=exp)@10")(counts)
