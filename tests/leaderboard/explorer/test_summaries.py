"""Summaries against plain counting on small arrays."""

from __future__ import annotations

import numpy as np
import pytest

from mmret.benchmarks import Ragged
from mmret.evaluation.statistics import interval
from mmret.leaderboard.explorer.summaries import (
    ERRORS,
    Labels,
    chance_curve,
    error_types,
    heat_map,
    narrowest_slices,
    rank_histogram,
    success_curve,
    telling_queries,
)

NO_COPIES = np.zeros((0, 2), np.int64)


def test_each_rank_falls_into_one_bin() -> None:
    ranks = np.array([[1, 1, 1.5, 2, 3, 5, 5.5, 10, 1000], [1001, np.inf, 11, 20, 21, 50, 51, 100, 101]])
    found = rank_histogram(ranks)
    assert found.labels == [
        "1", "2", "3–5", "6–10", "11–20", "21–50", "51–100", "101–200", "201–500", "501–1,000", "1,001–2,000", "none",
    ]  # fmt: skip
    assert found.ticks[-4:] == ["500", "1k", "2k", "none"]
    assert found.counts.tolist() == [[2, 2, 2, 2, 0, 0, 0, 0, 0, 1, 0, 0], [0, 0, 0, 0, 2, 2, 2, 1, 0, 0, 1, 1]]
    assert rank_histogram(np.ones((1, 3))).labels == ["1"]
    assert rank_histogram(np.full((1, 2), np.inf)).counts.tolist() == [[0, 2]]


def test_a_curve_counts_ties_as_their_share() -> None:
    first, last = np.array([1.0, 1, 4, np.inf]), np.array([1.0, 4, 5, np.inf])
    curve = success_curve(first, last, np.full(4, 6), np.array([0, 0, 1, 2]))
    shares = [[1, 1 / 4, 0, 0], [1, 2 / 4, 0, 0], [1, 3 / 4, 0, 0], [1, 1, 1 / 2, 0], [1, 1, 1, 0], [1, 1, 1, 0]]
    assert curve.values == pytest.approx(np.mean(shares, axis=1))
    assert curve.places.tolist() == [1, 2, 3, 4, 5, 6]
    assert (curve.low[1], curve.high[1]) == interval(shares[1], np.array([0, 0, 1, 2]))


def test_a_curve_ends_at_100_places() -> None:
    ranks = np.arange(1.0, 201)
    curve = success_curve(ranks, ranks, np.full(200, 300), np.arange(200))
    assert curve.values == pytest.approx(np.arange(1, 101) / 200)
    assert (curve.places[0], curve.places[-1], len(curve.places)) == (1, 100, len(curve.low))
    assert (curve.low <= curve.values[curve.places - 1]).all()
    assert (curve.high >= curve.values[curve.places - 1]).all()


def test_chance_finds_one_of_several_right_documents_sooner() -> None:
    found = chance_curve(Ragged.of([[0, 3], [2]]), np.array([4, 5]))
    assert found == pytest.approx([(1 / 2 + 1 / 5) / 2, (5 / 6 + 2 / 5) / 2, (1 + 3 / 5) / 2, (1 + 4 / 5) / 2, 1])


def test_a_heat_map_holds_what_results_state() -> None:
    first = {"all": {"n": 9, "R@1": {"value": 0.5, "low": 0.4, "high": 0.6}}, "b": {"n": 4}}
    second = {"all": {"n": 9, "R@1": {"value": 0.1, "low": 0.0, "high": 0.2}}, "a": {"n": 3, "R@1": {"value": 0.3}}}
    found = heat_map([first, second], "R@1")
    assert found.slices == {"all": 9, "a": 3, "b": 4}
    assert found.cells == {
        "all": [first["all"]["R@1"], second["all"]["R@1"]], "a": [None, {"value": 0.3}], "b": [None, None],
    }  # fmt: skip
    assert [found.strength(value) for value in (0.1, 0.3, 0.5)] == pytest.approx([0, 0.5, 1])
    ranks = heat_map([{"all": {"n": 1, "MedR": {"value": 9}}}, {"all": {"n": 1, "MedR": {"value": 3}}}], "MedR")
    assert (ranks.strength(3), ranks.strength(9)) == (1, 0)
    lost = [{"all": {"n": 1, "MedR": {"value": value}}} for value in (9.0, 3.0, np.inf)]  # of a run that is cut
    assert [heat_map(lost, "MedR").strength(value) for value in (9, 3, np.inf)] == [0, 1, 0]


def test_every_kind_of_answer_is_told() -> None:
    # Query i has the right document i, and was made from document 10 + i. Queries 0 to 3 are of slice 0.
    labels = Labels(
        source=np.arange(10, 18),
        narrowest=np.array([0, 0, 0, 0, 1, 1, 1, -1]),
        positives=Ragged.of([[i] for i in range(8)]),
        copies=np.array([[20, 3]]),
    )
    optimistic = np.array([1, 1, 2, 2, 101, 2, 2, np.inf])
    pessimistic = np.array([1, 2, 2, 2, 101, 2, 5, np.inf])
    first = np.array([0, 1, 12, 20, 14 + 5, 4, 1, 7])
    found = error_types(optimistic, pessimistic, np.full(8, 2000), first, labels)
    assert found.tolist() == [
        "right", "tied", "own source", "copy", "far down", "same slice", "other", "far down",
    ]  # fmt: skip
    assert set(found) == set(ERRORS)


def test_a_source_that_is_first_counts_as_such_however_far_down_the_target_is() -> None:
    labels = Labels(np.array([1]), np.array([-1]), Ragged.of([[0]]), NO_COPIES)
    one = np.array([500.0]), np.array([500.0]), np.array([2000])
    assert error_types(*one, np.array([1]), labels) == ["own source"]
    assert error_types(*one, np.array([-1]), labels) == ["far down"]


@pytest.mark.parametrize(("candidates", "places"), [(60, 10), (321, 32), (2000, 100)])
def test_how_far_is_far_down(candidates: int, places: int) -> None:
    labels = Labels(np.full(2, -1), np.full(2, -1), Ragged.of([[0], [0]]), NO_COPIES)
    ranks = np.array([places, places + 1.0])
    found = error_types(ranks, ranks, np.full(2, candidates), np.array([5, 5]), labels)
    assert found.tolist() == ["other", "far down"]


def test_the_narrowest_slice_is_the_smallest_one() -> None:
    slices = {"all sounds": np.array([0, 1, 2]), "music": np.array([1]), "other": np.array([2, 3])}
    assert narrowest_slices(5, slices).tolist() == [0, 1, 2, 2, -1]


def test_telling_queries_take_turns_and_pass_over_a_source_twice() -> None:
    ranks = np.array([[1, 1, 8, 1, 64, 2], [64, 32, 8, 1, 64, np.inf]], float)
    slices = np.array([0, 0, 0, 0, 1, 1])
    found = telling_queries(ranks, np.full(6, 100), 0, slices, np.array([7, 7, 1, 2, 3, 4]), most=20)
    assert [(one.query, one.why) for one in found] == [
        (0, "disagreement"),
        (4, "hidden failure"),  # rank 64 in a slice whose others are at 2: 5.7 times their geometric mean
        (5, "disagreement"),  # 100 for what was not retrieved, against 2; query 1 shares its source with 0
        (2, "hidden failure"),
    ]
    assert [one.factor for one in found] == pytest.approx([64, 64 / 128**0.5, 50, 8 / 8 ** (1 / 4)])
    assert len(telling_queries(ranks, np.full(6, 100), 0, slices, np.arange(6), most=3)) == 3


def test_one_system_has_no_disagreement() -> None:
    ranks = np.array([[1, 5, 1, 2]], float)
    found = telling_queries(ranks, np.full(4, 10), 0, np.full(4, -1), np.arange(4), most=20)
    assert {one.why for one in found} == {"hidden failure"}
    assert found[0].query == 1
    assert telling_queries(np.ones((2, 3)), np.full(3, 9), 0, np.full(3, -1), np.arange(3)) == []
