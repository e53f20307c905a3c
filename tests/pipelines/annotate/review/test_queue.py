"""The queue: who gets what, and that no two get the same."""

from __future__ import annotations

import random
import time

import pytest

from mmret.pipelines.annotate.review import Queue


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def queue(count: int = 5, needed: int = 2) -> tuple[Queue, Clock]:
    clock = Clock()
    return Queue([f"i{n}" for n in range(count)], needed, 60, clock), clock


def test_items_are_finished_one_by_one() -> None:
    """The first person goes through them in order, the second comes behind."""
    made, _ = queue()
    for _ in range(3):
        made.voted("ann", str(made.take("ann")), True)
    assert made.take("ann") == "i3"
    for wanted in ("i0", "i1", "i2"):
        assert made.take("bob") == wanted
        made.voted("bob", wanted, True)
    assert made.decided == 3
    assert made.take("bob") == "i4"  # ann has i3 on lease


def test_what_one_has_nobody_else_gets_until_the_lease_is_over() -> None:
    made, clock = queue()
    assert [made.take(who) for who in ("ann", "bob", "ann", "cy")] == ["i0", "i1", "i0", "i2"]
    clock.now = 59
    assert made.take("bob") == "i1"  # asks again, and has it for a minute from now
    clock.now = 61
    assert made.is_free("dan", "i0")
    assert made.take("dan") == "i0"
    assert made.wants("ann", "i0")  # a vote that comes late is kept
    assert made.take("ann") == "i2"  # which cy left
    assert not made.is_free("cy", "i2")


def test_votes_of_a_server_that_was_killed_are_taken_without_a_lease() -> None:
    made, _ = queue()
    assert made.wants("ann", "i3")
    made.voted("ann", "i3", True)
    assert made.take("bob") == "i3"


def test_nobody_gets_an_item_twice_and_what_has_its_votes_is_gone() -> None:
    made, _ = queue(1)
    made.voted("ann", "i0", True)
    assert made.take("ann") is None
    made.voted("bob", "i0", True)
    assert (made.take("cy"), made.decided) == (None, 1)


def test_where_people_are_split_one_more_decides_after_all_else() -> None:
    made, _ = queue(2)
    for who, accept in (("ann", True), ("bob", False)):
        made.voted(who, "i0", accept)
    assert (made.take("ann"), made.decided) == ("i1", 0)
    assert made.take("cy") == "i0"  # the other is with ann
    made.voted("cy", "i0", True)
    assert made.decided == 1
    assert not made.wants("dan", "i0")


def test_skipped_items_come_back_in_the_end() -> None:
    made, _ = queue(3)
    for name in ("i0", "i1"):
        assert made.take("ann") == name
        made.skip("ann", name)
    assert made.take("bob") == "i0"
    assert made.take("ann") == "i2"
    made.voted("ann", "i2", True)
    assert made.take("ann") == "i1"
    made.skip("ann", "i1")
    assert made.take("ann") == "i1"  # bob has the other
    made.voted("bob", "i0", True)
    made.skip("ann", "i1")
    assert made.take("ann") == "i0"


def test_an_undone_vote_opens_the_item() -> None:
    made, _ = queue(2)
    for who in ("ann", "bob"):
        made.voted(who, "i0", True)
    made.take("bob")
    made.undone("bob", "i0")
    assert (made.decided, made.has_voted("bob", "i0")) == (0, False)
    made.hold("bob", "i0")
    assert made.take("bob") == "i0"
    assert made.take("ann") == "i1"  # which bob has no more


@pytest.mark.parametrize("needed", [1, 2, 3])
def test_any_number_of_people_in_any_order_end_with_the_votes_that_are_needed(needed: int) -> None:
    rng = random.Random(needed)
    made, clock = queue(40, needed)
    people = [f"p{n}" for n in range(needed + 2)]
    votes: dict[str, dict[str, bool]] = {f"i{n}": {} for n in range(40)}
    held: dict[str, str] = {}
    while made.decided < 40:
        clock.now += rng.choice([0, 1, 100])
        who = rng.choice(people)
        name = made.take(who)
        if name is None:
            continue
        assert who not in votes[name]
        held[who] = name
        if rng.random() < 0.2:
            made.skip(who, name)
        elif rng.random() < 0.7:
            votes[name][who] = rng.random() < 0.5
            made.voted(who, name, votes[name][who])
    for own in votes.values():
        accepts = sum(own.values())
        assert len(own) >= needed
        assert 2 * accepts != len(own)
        first = list(own.values())[:needed]
        assert len(own) == needed or 2 * sum(first) == needed


def test_thousands_of_items_are_quick() -> None:
    """Also for somebody who has voted on almost all of them."""
    made, _ = queue(5000)
    began = time.process_time()
    for _ in range(100):
        made.voted("ann", str(made.take("ann")), True)
    assert (time.process_time() - began) / 100 < 0.1  # seconds; usually 0.005
    for n in range(100, 4990):
        made.voted("ann", f"i{n}", True)
    began = time.process_time()
    assert made.take("ann") == "i4990"
    assert made.take("bob") == "i0"
    assert time.process_time() - began < 0.2
