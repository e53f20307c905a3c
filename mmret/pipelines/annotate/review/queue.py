"""Who votes on what next, so that nobody's work is done twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

DECIDED = 0  # how urgent an item is that has its votes
SPLIT = 1  # as many people accept as reject it: one more decides


@dataclass(frozen=True)
class Lease:
    """An item is one person's until then, in seconds of the queue's clock."""

    reviewer: str
    until: float


class Queue:
    """Items that wait for votes.

    Whoever asks gets an item that lacks the fewest votes, of those the first in order: items are finished one by one,
    so that whenever people stop, as many as possible can be gold and tell how far people agree; with first votes on
    everything none could. An item on which people are split is offered to one more when nothing else is left. Nobody
    gets an item that they voted on, or that is on lease to somebody else; what they skipped comes back after all else.

    Parameters
    ----------
    names: ids of the items, in order.
    needed: people who vote on an item.
    lease: seconds for which an item is one person's; after them it is so until somebody else gets it.
    clock: gives seconds.

    Leases and skips end with the process; `voted` tells a new queue of votes. Each call looks at every item once at
    most: 5 ms for 5,000. Threads must take turns.
    """

    def __init__(
        self, names: Sequence[str], needed: int, lease: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._needed, self._lease, self._clock = needed, lease, clock
        self._votes: dict[str, dict[str, bool]] = {name: {} for name in names}
        self._urgency = {name: self._urgency_of(name) for name in names}
        self._leases: dict[str, Lease] = {}
        self._held: dict[str, str] = {}  # reviewer → the item that was given last
        self._skipped: dict[tuple[str, str], int] = {}
        self._skips = count(1)

    @property
    def decided(self) -> int:
        """Items that wait for nobody."""
        return sum(urgency == DECIDED for urgency in self._urgency.values())

    def take(self, reviewer: str) -> str | None:
        """The item that a person votes on next, now on lease to them: the same until they have; None for none."""
        name = self._held.get(reviewer)
        if name is None or not (self.wants(reviewer, name) and self.is_free(reviewer, name)):
            open_ = (one for one in self._votes if self.wants(reviewer, one) and self.is_free(reviewer, one))
            name = max(open_, key=lambda one: self._order(reviewer, one), default=None)
        if name is not None:
            self.hold(reviewer, name)
        return name

    def wants(self, reviewer: str, name: str) -> bool:
        """Whether an item waits for a vote that may be theirs. One that comes without a lease, as when the lease or the
        server has ended meanwhile, is as good as another."""
        return self._urgency[name] != DECIDED and reviewer not in self._votes[name]

    def is_free(self, reviewer: str, name: str) -> bool:
        """Whether an item is on lease to nobody else."""
        lease = self._leases.get(name)
        return lease is None or lease.reviewer == reviewer or lease.until <= self._clock()

    def has_voted(self, reviewer: str, name: str) -> bool:
        """Whether their vote counts already."""
        return reviewer in self._votes[name]

    def hold(self, reviewer: str, name: str) -> None:
        """Put an item on lease to somebody, in place of the one that they had."""
        self._release(reviewer)
        self._leases[name] = Lease(reviewer, self._clock() + self._lease)
        self._held[reviewer] = name

    def skip(self, reviewer: str, name: str) -> None:
        """Leave an item to others for now."""
        self._skipped[reviewer, name] = next(self._skips)
        self._release(reviewer)

    def voted(self, reviewer: str, name: str, accept: bool) -> None:
        """Count a vote."""
        self._votes[name][reviewer] = accept
        self._urgency[name] = self._urgency_of(name)
        if self._held.get(reviewer) == name:
            self._release(reviewer)

    def undone(self, reviewer: str, name: str) -> None:
        """Take a vote back."""
        del self._votes[name][reviewer]
        self._urgency[name] = self._urgency_of(name)

    def _release(self, reviewer: str) -> None:
        name = self._held.pop(reviewer, "")
        if name in self._leases and self._leases[name].reviewer == reviewer:  # and is not somebody else's by now
            del self._leases[name]

    def _order(self, reviewer: str, name: str) -> tuple[int, int]:
        return -self._skipped.get((reviewer, name), 0), self._urgency[name]

    def _urgency_of(self, name: str) -> int:
        votes = self._votes[name]
        if len(votes) < self._needed:
            return SPLIT + 1 + len(votes)
        return SPLIT if 2 * sum(votes.values()) == len(votes) else DECIDED
