from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mmret.benchmarks import Benchmark as Labelled
from mmret.evaluation import Measure, Run
from mmret.leaderboard.board import Board, trust
from mmret.leaderboard.board.database import Benchmark, State, Team
from mmret.leaderboard.board.traits import Traits
from mmret.leaderboard.board.trust import is_implausible, looks_like_labels, overlap

from .filled import benchmark_on, honest, labelled, run_of, scored_run, submission_of, teams_on

LABELS = labelled()
RIGHT = (np.arange(len(LABELS.queries)), LABELS.positives.positions)


@pytest.fixture
def stage(board: Board) -> tuple[Benchmark, Team, Team]:
    first, second = teams_on(board, "first", "second")
    return benchmark_on(board, LABELS), first, second


def flags(board: Board, stage: tuple[Benchmark, Team, Team], run: Run, folder: Path, **known: object) -> list[str]:
    """What is said of a run of the second team."""
    benchmark, _, second = stage
    scored = scored_run(board, benchmark, run, folder)
    made = submission_of(board, benchmark, second, scored, state=State.pending, **known)
    with board.reading() as session:
        return [f"{one.code}: {one.reason}" for one in trust.judge(session, board, made, scored)]


def traits(scores: np.ndarray, labels: Labelled = LABELS) -> Traits:
    return Traits.of(run_of(labels, scores), labels)


def test_two_honest_strong_systems_are_not_flagged(
    board: Board, stage: tuple[Benchmark, Team, Team], tmp_path: Path
) -> None:
    for seed, quality in enumerate((3.5, 4.0)):
        run = run_of(LABELS, honest(LABELS, quality, seed))
        assert flags(board, stage, run, tmp_path) == []
        submission_of(board, stage[0], stage[1], scored_run(board, stage[0], run, tmp_path))


def test_copies_are_found_with_the_submission_they_copy(
    board: Board, stage: tuple[Benchmark, Team, Team], tmp_path: Path
) -> None:
    scores = honest(LABELS, 2, 0)
    theirs = scored_run(board, stage[0], run_of(LABELS, scores), tmp_path)
    original = submission_of(board, stage[0], stage[1], theirs, run_digest="a" * 64)
    random = np.random.default_rng(0)
    (exact,) = flags(board, stage, run_of(LABELS, scores), tmp_path, run_digest="a" * 64)
    assert exact.startswith("exact-copy")
    assert original.id in exact
    for copy in (np.exp(scores), scores * 3 - 7, scores + 0.005 * random.standard_normal(scores.shape)):
        (near,) = flags(board, stage, run_of(LABELS, copy), tmp_path)
        assert near.startswith("near-identical")
        assert original.id in near
    rounded = np.round(scores, 1)  # ties hide places, but those that are left are all the same
    assert flags(board, stage, run_of(LABELS, rounded), tmp_path)


def test_own_runs_later_ones_and_failed_ones_are_no_originals(
    board: Board, stage: tuple[Benchmark, Team, Team], tmp_path: Path
) -> None:
    benchmark, first, second = stage
    run = run_of(LABELS, honest(LABELS, 2, 0))
    scored = scored_run(board, benchmark, run, tmp_path)
    made = submission_of(board, benchmark, second, scored, run_digest="a" * 64)
    submission_of(board, benchmark, second, scored, run_digest="a" * 64)
    submission_of(board, benchmark, first, scored, run_digest="a" * 64, state=State.failed)
    assert flags(board, stage, run, tmp_path, run_digest="a" * 64) == []
    submission_of(board, benchmark, first, scored, run_digest="a" * 64)
    with board.reading() as session:
        assert trust.judge(session, board, made, scored) == []


def test_a_hidden_or_withdrawn_run_can_be_copied_too(
    board: Board, stage: tuple[Benchmark, Team, Team], tmp_path: Path
) -> None:
    run = run_of(LABELS, honest(LABELS, 2, 0))
    scored = scored_run(board, stage[0], run, tmp_path)
    submission_of(board, stage[0], stage[1], scored, state=State.withdrawn)
    assert [flag[:14] for flag in flags(board, stage, run, tmp_path)] == ["near-identical"]


def test_a_run_whose_file_is_lost_holds_nobody_up(
    board: Board, stage: tuple[Benchmark, Team, Team], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = run_of(LABELS, honest(LABELS, 2, 0))
    scored = scored_run(board, stage[0], run, tmp_path)
    other = scored_run(board, stage[0], run_of(LABELS, honest(LABELS, 2, 1)), tmp_path)
    submission_of(board, stage[0], stage[1], scored)
    lost = submission_of(board, stage[0], stage[1], other)
    board.private.path(lost.values_digest or "").unlink()
    assert [flag[:14] for flag in flags(board, stage, run, tmp_path)] == ["near-identical"]
    assert [record.fields["submission"] for record in caplog.records] == [lost.id]


def test_good_systems_agree_on_right_documents_alone() -> None:
    strong, other = traits(honest(LABELS, 6, 1)), traits(honest(LABELS, 6, 2))
    assert min(strong.ahead, other.ahead) > 0.9
    assert overlap(strong.top, other.top) < 0.5
    assert overlap(strong.top, strong.top) == pytest.approx(1)
    constant = traits(np.zeros((len(LABELS.queries), len(LABELS.documents))))
    assert (constant.top == -1).all()
    assert overlap(constant.top, constant.top) == overlap(constant.top, strong.top) == 0


def test_overlap_is_rank_biased_overlap() -> None:
    random = np.random.default_rng(0)
    first, second = (np.array([random.permutation(14)[:10] for _ in range(5)], np.int32) for _ in range(2))
    weights = 0.9 ** np.arange(10)
    shared = [
        sum(w * len({*a[:d]} & {*b[:d]}) / d for d, w in enumerate(weights, 1)) / weights.sum()
        for a, b in zip(first.tolist(), second.tolist(), strict=True)
    ]
    assert overlap(first, second) == pytest.approx(np.mean(shared))


def softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(2 * (scores - scores.max(axis=1, keepdims=True)))
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("quality", [0, 1.5, 3, 4.5])
def test_honest_scores_of_any_form_do_not_look_like_labels(quality: float) -> None:
    scores = honest(LABELS, quality, 3)
    places = (-scores).argsort(axis=1).argsort(axis=1)
    for form in (scores, np.round(scores, 1), np.round(scores), softmax(scores), -places, 1 / (1 + places)):
        assert not looks_like_labels(traits(form))
    assert not looks_like_labels(traits(np.zeros_like(scores)))
    words = np.maximum(np.round(scores), 0)  # as of a lexical system: most documents score 0
    assert not looks_like_labels(traits(words))


def test_scores_made_from_labels_are_found() -> None:
    random = np.random.default_rng(5)
    told = random.random(len(LABELS.queries)) < 0.7
    right = RIGHT[0][told], RIGHT[1][told]
    noise = random.random((len(LABELS.queries), len(LABELS.documents)))
    oracle, part, plain, top, bonus = (form.copy() for form in (noise, noise * 0.2, noise * 0, noise, noise))
    oracle[RIGHT] = 2
    part[RIGHT] = 0
    part[right] = 1 + 0.2 * random.random(told.sum())  # wide wins though there are losses
    plain[right] = 1  # two values
    top[right] = 1  # one score for all that are right
    bonus[RIGHT] += 1.0  # a bonus for all
    for form in (oracle, part, plain, top, bonus):
        assert looks_like_labels(traits(form))


def test_few_queries_prove_nothing() -> None:
    few = labelled(queries=19)
    scores = np.zeros((19, len(few.documents)))
    scores[np.arange(19), few.positives.positions] = 1
    assert traits(scores, few).ahead == 1
    assert not looks_like_labels(traits(scores, few))


def test_right_documents_left_out_of_a_run_are_lost() -> None:
    scores = honest(LABELS, 2, 0)
    whole = run_of(LABELS, scores)
    best = np.sort(np.argsort(-scores, axis=1)[:, :15], axis=1)
    lists = type(whole.lists).of(list(best))
    found = Traits.of(Run(whole.queries, whole.documents, lists, scores[RIGHT[0][:, None], best].ravel()), LABELS)
    assert found.ahead == traits(scores).ahead
    assert (found.top == traits(scores).top).all()
    assert not looks_like_labels(found)


def test_the_source_of_a_query_is_no_sign() -> None:
    sourced = labelled()
    source = ((sourced.positives.positions + 1) % len(sourced.documents)).astype(np.int32)
    sourced = Labelled("s", "1", sourced.queries, sourced.documents, sourced.positives, sourced.gains, source=source)
    scores = honest(sourced, 3, 0)
    scores[RIGHT[0], source] = 100
    found = traits(scores, sourced)
    assert found.ahead > 0.3
    assert not (found.top == source[:, None]).any()


def test_figures_far_above_what_is_known_are_implausible(
    board: Board, stage: tuple[Benchmark, Team, Team], tmp_path: Path
) -> None:
    strong = run_of(LABELS, honest(LABELS, 4.5, 1))
    assert flags(board, stage, strong, tmp_path) == []  # nothing to compare with
    weak = scored_run(board, stage[0], run_of(LABELS, honest(LABELS, 1, 2)), tmp_path)
    for state in (State.flagged, State.hidden, State.withdrawn):
        submission_of(board, stage[0], stage[1], weak, state=state)
    assert flags(board, stage, strong, tmp_path) == []  # nothing that is verified
    submission_of(board, stage[0], stage[1], weak)
    (flag,) = flags(board, stage, strong, tmp_path)
    assert flag.startswith("implausible: its R@1")
    submission_of(board, stage[0], stage[1], scored_run(board, stage[0], strong, tmp_path))
    better = run_of(LABELS, honest(LABELS, 4.9, 7))
    assert flags(board, stage, better, tmp_path) == []


def test_the_margin_counts_from_the_interval() -> None:
    recall, rank = Measure.parse("R@1"), Measure.parse("MedR")
    figure = {"low": 0.41, "high": 0.6}
    assert is_implausible(figure, [0.3, 0.1], recall)
    assert not is_implausible(figure, [0.32], recall)
    assert not is_implausible(figure, [], recall)
    assert is_implausible({"low": 2, "high": 4}, [9, 30], rank)
    assert not is_implausible({"low": 2, "high": 5}, [9, 30], rank)
    assert not is_implausible({"low": None, "high": None}, [0.0], recall)


def test_published_rows_count_under_their_protocol(board: Board) -> None:
    benchmark = benchmark_on(board, labelled("tarvir"))  # others published nDCG and R@10 on one of that name
    assert benchmark.main_protocol == "global"
    known = trust.references(benchmark, "global", "R@10")
    assert max(one.figures["all"] for one in known) == pytest.approx(0.9423)
    assert trust.references(benchmark, "gallery", "R@10") == []
