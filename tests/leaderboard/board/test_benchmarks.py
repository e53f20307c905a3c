"""Benchmarks on a board and their frozen labels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmret.benchmarks import Exclusions, Ragged, load_benchmark
from mmret.errors import InputError, RunError
from mmret.evaluation import score_run_on
from mmret.items import Item
from mmret.leaderboard.board import Board
from mmret.leaderboard.board.answers import load_answers, save_answers
from mmret.leaderboard.board.benchmarks import Terms, add_benchmark, benchmarks
from mmret.leaderboard.submissions import Ground

from .made import add, labelled, random_run


@pytest.mark.parametrize("name", ["omnicvr-mini", "tarvir-mini"])
def test_frozen_labels_score_like_the_benchmark(tmp_path: Path, name: str) -> None:
    asked = load_benchmark(name)
    run = random_run(asked, 3)
    save_answers(asked, tmp_path / "answers")
    frozen = load_answers(tmp_path / "answers")
    assert score_run_on(run, frozen).scores == score_run_on(run, asked).scores
    assert {item.modalities for item in (*frozen.queries, *frozen.documents)} == {frozenset()}


def test_equal_labels_make_equal_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_answers(labelled(), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_what_is_excluded_is_left_out(tmp_path: Path) -> None:
    asked = labelled()
    left_out = replace(asked, excluded=Exclusions(queries=[{"id": asked.queries[0].id, "reason": "broken"}]))
    save_answers(left_out, tmp_path / "answers")
    assert [item.id for item in load_answers(tmp_path / "answers").queries] == [one.id for one in asked.queries[1:]]


def test_a_file_that_holds_no_labels_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no labels")
    np.savez(tmp_path / "other.npz", a=np.zeros(1))
    np.save(tmp_path / "pickled.npy", np.array([{}], object))
    for name in ("text", "other.npz", "pickled.npy", "missing"):
        with pytest.raises(RunError, match="no labels"):
            load_answers(tmp_path / name)


def test_labels_are_private_and_the_ground_holds_none(board: Board) -> None:
    asked = labelled()
    row = add(board, asked)
    assert row.id == "made-up"
    assert (row.protocols, row.main_protocol, row.main_measure) == (["gallery", "gallery-no-source"], "gallery", "R@1")
    assert row.slices == ["even", "odd"]
    assert board.private.checked(row.answers_digest).is_relative_to(board.folder / "private")
    ground = Ground.load(board.files.checked(row.ground_digest))
    assert ground.digest == row.digest == asked.ground_digest
    assert [one.id for one in benchmarks(board)] == ["made-up"]
    assert board.sweep() == 0


def test_terms_are_kept(board: Board) -> None:
    asked = labelled()
    add(board, asked)
    terms = replace(Terms.usual(hidden=True), public_id="made-up")
    hidden = add_benchmark(board, asked, terms, source="x", identity="held-back", main_measure="MRR")
    assert (hidden.hidden, hidden.public_id, hidden.main_measure) == (True, "made-up", "MRR")
    assert (hidden.quota_day, hidden.quota_total, hidden.decimals) == (2, 50, 3)
    for public_id in ("nobody", "held-back"):
        with pytest.raises(InputError, match="no public counterpart"):
            add_benchmark(board, asked, Terms(hidden=True, public_id=public_id), source="x", identity="other")
    for wrong in ("A b", "", "-a", "x" * 65):
        with pytest.raises(InputError, match="in addresses"):
            add_benchmark(board, asked, Terms(), source="x", identity=wrong or "/")
    with pytest.raises(InputError, match="R@1"):
        add_benchmark(board, asked, Terms(), source="x", identity="other", main_measure="R@7")


def test_labels_are_replaced_where_the_same_is_asked(board: Board) -> None:
    asked = labelled()
    before = add(board, asked)
    with pytest.raises(InputError, match="--overwrite"):
        add(board, asked)
    mended = replace(
        asked, version="2", positives=Ragged.of([one[[(i + 2) % 20]] for i, one in enumerate(asked.galleries or [])])
    )
    after = add_benchmark(board, mended, Terms(quota_day=3), source="x", replace=True)
    assert (after.version, after.generation, after.quota_day) == ("2", before.generation + 1, 3)
    assert after.answers_digest != before.answers_digest
    assert after.added_at == before.added_at
    other = replace(asked, queries=[Item(f"other-{i:05}") for i in range(len(asked.queries))])
    with pytest.raises(InputError, match="does not ask"):
        add_benchmark(board, other, Terms(), source="x", replace=True)
    fewer = replace(asked, excluded=Exclusions([], [{"id": "query-00003", "reason": "its source is broken"}]))
    for one in (fewer, replace(asked, view="title=none,content=native")):
        assert one.ground_digest == asked.ground_digest
        with pytest.raises(InputError, match="leaves out other items"):
            add_benchmark(board, one, Terms(), source="x", replace=True)
    with pytest.raises(InputError, match="to replace"):
        add_benchmark(board, asked, Terms(), source="x", identity="new", replace=True)


@pytest.mark.parametrize("change", [{"about": {"title": "x" * 201}}, {"slices": {"x" * 201: np.arange(3)}}])
def test_what_no_export_could_hold_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    with Board.make(tmp_path, "sqlite") as board, pytest.raises(InputError, match="more than 200 characters"):
        add(board, replace(labelled(), **change))


def test_a_copy_without_labels_is_refused(board: Board) -> None:
    with pytest.raises(InputError, match="labels are hidden"):
        add_benchmark(board, replace(labelled(), hidden=True), Terms(), source="x")
