from __future__ import annotations

import numpy as np
import pytest

from mmret.benchmarks import Ragged, ragged


@pytest.fixture(params=[1, 7, 1 << 20], autouse=True)
def _block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many entries are worked on at a time, the answer is the same."""
    monkeypatch.setattr(ragged, "BLOCK", request.param)


def lists(seed: int) -> list[list[int]]:
    draw = np.random.default_rng(seed)
    return [draw.integers(0, 9, size).tolist() for size in draw.integers(0, 6, 12)]


@pytest.mark.parametrize("seed", range(20))
def test_order_repeats_membership_and_kinds_are_those_of_plain_lists(seed: int) -> None:
    plain = lists(seed)
    packed = Ragged.of(plain).ordered()
    assert [one.tolist() for one in packed] == [sorted(one) for one in plain]
    assert packed.repeats().tolist() == [len(set(one)) < len(one) for one in plain]
    rows, positions = np.repeat(np.arange(12), 9), np.tile(np.arange(9, dtype=np.int32), 12)
    assert packed.holds(rows, positions).tolist() == [p in plain[r] for r, p in zip(rows, positions, strict=True)]
    kinds = packed.kinds()
    for i, one in enumerate(plain):
        for j, other in enumerate(plain):
            assert (kinds[i] == kinds[j]) == (sorted(one) == sorted(other))


@pytest.mark.parametrize("seed", range(20))
def test_lists_can_be_chosen_and_their_positions_moved(seed: int) -> None:
    plain, draw = lists(seed), np.random.default_rng(seed)
    rows = draw.integers(0, 12, 5)
    place = draw.integers(-1, 9, 9).astype(np.int32)
    moved = Ragged.of(plain).moved(rows, place)
    assert [one.tolist() for one in moved] == [[place[p] for p in plain[row] if place[p] >= 0] for row in rows]
    assert moved.positions.dtype == np.int32


def test_an_empty_set_of_lists_stays_empty() -> None:
    empty = Ragged.of([])
    assert len(empty.ordered()) == len(empty.moved(np.zeros(0, np.int64), np.zeros(3, np.int32))) == 0
    assert empty.repeats().tolist() == []
