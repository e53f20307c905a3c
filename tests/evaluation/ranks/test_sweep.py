"""One pass with several aims finds what each finds by a pass of its own."""

from __future__ import annotations

import numpy as np
import pytest

from mmret.evaluation.ranks import Best, Scores, Standings, count, gallery_scores, scorer_of, sweep, top_k
from mmret.evaluation.ranks.scorers import Block, Dot

from .slow import cases, probes_of


@pytest.mark.parametrize("wide", [False, True])
def test_aims_do_not_disturb_each_other(wide: bool) -> None:
    for random, queries, documents, gallery, probes in cases(120, 300 + wide):
        everywhere = probes_of(random, len(documents), len(queries), None)
        budget, device = int(random.choice([1, 3000, 10**8])), str(random.choice(["numpy", "torch"]))
        scorer = scorer_of(queries, documents, wide=wide, device=device)
        own, free = Standings(scorer, probes, gallery), Standings(scorer, everywhere, None)
        scores, best = Scores(scorer, gallery), Best(scorer, 3, gallery)
        sweep(scorer, [own, free, scores, best], budget)
        for got, expected in (
            (own.found(), count(queries, documents, probes, gallery=gallery)),
            (free.found(), count(queries, documents, everywhere)),
            ((scores.found,), (gallery_scores(queries, documents, gallery),)),
            ((best.positions, best.scores), top_k(queries, documents, 3, gallery=gallery)),
        ):
            for one, other in zip(got, expected, strict=True):
                np.testing.assert_array_equal(one, other)


def test_the_same_documents_are_multiplied_once(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    queries, documents = random.standard_normal((40, 8), np.float32), random.standard_normal((200, 8), np.float32)
    scorer = scorer_of(queries, documents, wide=True)
    asked: list[int] = []
    whole = Dot.block

    def block(self: Dot, some: slice):
        score = whole(self, some)

        def counted(where: slice) -> Block:
            asked.append(len(range(*where.indices(200))) * (some.stop - some.start))
            return score(where)

        return counted

    monkeypatch.setattr(Dot, "block", block)
    probes = probes_of(random, 200, 40, None)
    aims = [Standings(scorer, probes, None), Standings(scorer, probes, None), Scores(scorer, None), Best(scorer, 5)]
    sweep(scorer, aims, 30_000)
    assert len(asked) > 3
    assert sum(asked) == 40 * 200
