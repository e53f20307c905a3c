"""Controls, what they tell of a judge, and the gold gate."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from mmret.pipelines.annotate.records import Criteria, Description, Verdict, Vote
from mmret.pipelines.annotate.verify import Case, Side, Trust, standings
from mmret.pipelines.annotate.verify.controls import plant
from mmret.pipelines.annotate.verify.trust import Trial

from .described import annotation
from .test_mine_pairs import clip


def side(name, original, **changes):
    return Side(clip(name, original, 0, 10), Description(clip=name, annotation=annotation(**changes), made_by="x"))


def made_cases(count):
    return [
        Case(
            f"{i:016x}", side(f"s{i}", f"film{i}", scene=f"street {i}"), side(f"t{i}", f"film{i}", scene=f"beach {i}"),
            f"Make it beach {i}", (side(f"o{i}", f"film{i}", scene=f"forest {i}"),),
        )
        for i in range(count)
    ]  # fmt: skip


def test_controls_are_what_they_say():
    cases = made_cases(40)
    pairs = {case.id: case for case in cases}
    controls = plant(cases, 61, 0)
    assert Counter(one.made for one in controls) == {
        "exchanged text": 16, "source as target": 15, "reversed": 15, "negated": 15, "told in full": 40,
    }  # fmt: skip
    assert len({one.case.id for one in controls}) == len(controls)
    assert not {one.case.id for one in controls} & pairs.keys()
    for one in controls:
        assert len(one.case.id) == 16  # as those of pairs
        case, of = one.case, pairs[one.of]
        assert one.right == (one.made == "told in full")
        assert case.others == of.others
        match one.made:
            case "exchanged text":
                assert case.text != of.text
                assert case.text in {other.text for other in cases}
            case "source as target":
                assert case.source == case.target == of.source
            case "reversed":
                assert (case.source, case.target) == (of.target, of.source)
                assert "beach" in case.text  # as the source has it, and not the target
            case "negated":
                assert "not wanted" in case.text
                assert "beach" in case.text
            case "told in full":
                assert all(
                    word in case.text for word in ("beach", "two red cups", "add the salt", "a pot boiling", "MENU")
                )


def test_controls_stay_when_triplets_are_added():
    few, more = (
        {one.case.id: one for one in plant(made_cases(count), 8, 0) if one.made != "exchanged text"}
        for count in (40, 41)
    )
    assert sum(few[name] == more.get(name) for name in few) >= len(few) - 4  # at most one a making gives way
    assert {one.of for one in plant(made_cases(40), 8, 1)} != {one.of for one in few.values()}


def test_clips_of_one_video_give_no_texts_to_exchange():
    """The other makings fill the room."""
    film = [
        replace(
            case, source=side(f"s{i}", "film", scene=f"street {i}"), target=side(f"t{i}", "film", scene=f"beach {i}")
        )
        for i, case in enumerate(made_cases(20))
    ]  # fmt: skip
    assert Counter(one.made for one in plant(film, 31, 0) if not one.right) == {
        "source as target": 11, "reversed": 10, "negated": 10,
    }  # fmt: skip


def test_no_control_that_is_not_sure():
    alike = made_cases(1)[0]
    twin = Case(alike.id, alike.source, alike.target, alike.text, (side("o", "film9", scene="beach 0"),))
    assert {one.made for one in plant([twin], 10, 0)} == {"source as target"}  # two clips fulfil what is told in full
    assert "exchanged text" not in {one.made for one in plant([alike], 10, 0)}  # there is no other text
    same = [replace(case, text="Make it a beach") for case in made_cases(8)]
    assert "exchanged text" not in {one.made for one in plant(same, 10, 0)}  # which would be as right as the own one
    assert plant([], 10, 0) == []
    assert plant([alike], 0, 0) == []


def trials(wrong, accepted, right=60, rejected=0, of=None):
    made = [Trial(of or f"p{i}", "reversed", False, i < accepted) for i in range(wrong)]
    return made + [Trial(f"q{i}", "told in full", True, i >= rejected) for i in range(right)]


def test_rates_and_intervals():
    trust = Trust.of("llm:a", trials(60, 3, 50, 5), 0.2)
    assert (trust.false_accepts.n, trust.false_accepts.errors, trust.false_accepts.value) == (60, 3, 0.05)
    # Wilson's interval of 3 in 60, by the formula.
    z, p, n = 1.959963985, 0.05, 60
    middle, reach = (
        (p + z * z / 2 / n) / (1 + z * z / n),
        z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / 4 / n**2),
    )
    assert trust.false_accepts.low == pytest.approx(middle - reach)
    assert trust.false_accepts.high == pytest.approx(middle + reach)
    assert trust.false_rejects.value == pytest.approx(0.1)
    assert trust.by_making["reversed"] == trust.false_accepts
    assert trust.trusted


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (trials(60, 60), "accepts 60 of 60"),
        (trials(60, 8), "accepts 8 of 60"),  # 13 %, but 24 % cannot be ruled out
        (trials(10, 0), "accepts 0 of 10"),  # too few to know
        (trials(60, 0, of="one"), "accepts 0 of 60"),  # all of one pair, which tell no more than one
        (trials(0, 0), "no known-wrong controls"),
    ],
)
def test_a_judge_is_trusted_only_on_evidence(given, word):
    trust = Trust.of("llm:a", given, 0.2)
    assert not trust.trusted
    assert word in trust.reason


def test_intervals_cover():
    """A judge that errs in 10 % of the controls: in 95 % of many trials the interval holds that."""
    generator, held = np.random.default_rng(0), 0
    for _ in range(300):
        accepted = generator.random(60) < 0.1
        rate = Trust.of(
            "j", [Trial(f"p{i}", "negated", False, bool(one)) for i, one in enumerate(accepted)], 1
        ).false_accepts
        held += rate.low <= 0.1 <= rate.high
    assert 0.92 <= held / 300 <= 0.99


def verdict(pair, judge, accept, control=False):
    criteria = Criteria(true_of_target=accept, false_of_source=True, complete=True, unambiguous=True, natural=True)
    return Verdict(pair=pair, judge=judge, control=control, accept=accept, criteria=criteria, reason="so")


def vote(pair, who, accept, at="2026-01-01T00:00:00"):
    return Vote(pair=pair, reviewer=who, accept=accept, reason="", at=at)


YES = [vote("p", "ann", True), vote("p", "bob", True)]


@pytest.mark.parametrize(
    ("verdicts", "votes", "status", "word"),
    [
        ([verdict("p", "llm:a", True)], YES, "gold", ""),
        ([verdict("p", "llm:bad", True)], YES, "pending", "no trusted language model"),
        ([verdict("p", "llm:a", True, control=True)], YES, "pending", "no trusted language model"),
        ([verdict("p", "consistency:x", True)], YES, "pending", "no trusted language model"),
        ([], YES, "pending", "no trusted language model"),
        ([verdict("p", "llm:a", False)], YES, "rejected", "rejected by a judge: llm:a"),
        ([verdict("p", "llm:a", True), verdict("p", "consistency:x", False)], YES, "rejected", "consistency:x"),
        ([verdict("p", "llm:a", True), verdict("p", "llm:bad", False)], YES, "gold", ""),
        ([verdict("p", "llm:a", True)], YES[:1], "pending", "1 of 2"),
        ([verdict("p", "llm:a", True)], [], "pending", "0 of 2"),
        ([verdict("p", "llm:a", True)], [YES[0], vote("p", "bob", False)], "pending", "disagree"),
        ([verdict("p", "llm:a", True)], [*YES, vote("p", "cy", False)], "gold", ""),
        ([verdict("p", "llm:a", True)], [vote("p", "ann", False), vote("p", "bob", False)], "rejected", "2 of 2"),
        ([verdict("p", "llm:a", True)], [*YES, vote("p", "bob", False, "2026-01-02T00:00:00")], "pending", "disagree"),
        ([verdict("p", "llm:a", True)], [YES[0], vote("p", "ann", True, "2026-01-02T00:00:00")], "pending", "1 of 2"),
        ([verdict("other", "llm:a", True)], YES, "pending", "no trusted"),
    ],
)  # fmt: skip
def test_the_gold_gate(verdicts, votes, status, word):
    found = standings(["p"], verdicts, votes, {"llm:a", "consistency:x"}, 2)
    assert found["p"].status == status
    assert word in found["p"].reason
