from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mmret.errors import InputError
from mmret.leaderboard.explorer import Facts, Study
from mmret.leaderboard.explorer.browse import select


@pytest.fixture
def facts(clips: Study) -> Facts:
    return clips.facts("gallery")


def kept(facts: Facts, condition: Any) -> list[int]:
    return [i for i in range(len(facts.candidates)) if condition(i)]


def test_all_queries_in_the_order_of_their_ids(facts: Facts) -> None:
    assert select(facts).tolist() == list(range(150))
    assert select(facts, reverse=True).tolist() == list(range(150))[::-1]


def test_kinds_of_queries(facts: Facts) -> None:
    rank = facts.rank
    assert select(facts, kind="wrong").tolist() == kept(facts, lambda i: rank[0, i] > 1)
    assert select(facts, kind="wrong", within=10).tolist() == kept(facts, lambda i: rank[0, i] > 10)
    for a, b, names in ((0, 1, ("random", "echo")), (1, 0, ("echo", "random"))):
        found = select(facts, kind="a_right_b_wrong", within=10, system=names[0], versus=names[1])
        assert found.tolist() == kept(facts, lambda i, a=a, b=b: rank[a, i] <= 10 < rank[b, i])
        assert len(found)
    ahead = select(facts, kind="source_beats_target", system="echo")
    assert ahead.tolist() == np.flatnonzero(facts.source_ahead[1]).tolist()
    assert select(facts, kind="ties", system="echo").tolist() == np.flatnonzero(facts.tied[1]).tolist()


def test_slices_and_words_narrow_the_list(facts: Facts) -> None:
    slices = facts.benchmark.slices
    found = select(facts, slices=["audio-center", "audio-center/music"])
    assert found.tolist() == slices["audio-center/music"].tolist()
    assert not len(select(facts, slices=["audio-center", "visual-center"]))
    texts = [item.text or "" for item in facts.benchmark.queries]
    found = select(facts, text="  THE violin ", slices=["integrated"])
    inside = set(slices["integrated"].tolist())
    assert found.tolist() == kept(
        facts, lambda i: i in inside and "the" in texts[i].lower() and "violin" in texts[i].lower()
    )
    assert len(found)
    assert [facts.benchmark.queries[i].id for i in select(facts, text="Q007").tolist()] == ["q007"]
    assert not len(select(facts, text="<script>"))


def test_orders(facts: Facts) -> None:
    by_rank = select(facts, sort="rank")
    assert by_rank.tolist() == sorted(range(150), key=lambda i: (facts.rank[0, i], i))
    gain = 1 / facts.rank[0] - 1 / facts.rank[1]
    by_gap = select(facts, sort="gap")
    assert by_gap.tolist() == sorted(range(150), key=lambda i: (-gain[i], i))
    assert select(facts, sort="gap", system="echo").tolist() == sorted(range(150), key=lambda i: (gain[i], i))
    assert select(facts, sort="rank", reverse=True).tolist() == by_rank[::-1].tolist()


def test_what_was_not_retrieved_comes_last(facts: Facts) -> None:
    rank = facts.rank.copy()
    rank[:, 3] = np.inf
    rank[0, 5] = np.inf
    lost = Facts(**{**vars(facts), "rank": rank})
    assert select(lost, sort="rank")[-2:].tolist() == [3, 5]
    assert np.isin([3, 5], select(lost, kind="wrong")).all()
    assert len(select(lost, sort="gap")) == 150


def test_unknown_names_are_refused(facts: Facts, clip_results: list[Any]) -> None:
    for wrong in ({"kind": "right"}, {"sort": "size"}, {"slices": ["loud"]}, {"system": "ecko"}, {"versus": "ecko"}):
        with pytest.raises(InputError, match="unknown"):
            select(facts, **({"sort": "gap"} | wrong))
    alone = Study.open(clip_results[:1]).facts("gallery")
    with pytest.raises(InputError, match="one system alone"):
        select(alone, kind="a_right_b_wrong")
