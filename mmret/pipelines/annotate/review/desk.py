"""Where people vote: who sees what, what they say of it, and how far they are."""

from __future__ import annotations

import fcntl
import time
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from statistics import median
from threading import Lock
from typing import Literal

from ....errors import InputError, RunError, unknown_name
from ..project import Project
from ..records import Instruction, Vote
from ..verify import Findings
from ..votes import VoteLine, keep_vote, read_votes
from .items import Item, items_of
from .queue import Queue

LONGEST_NAME, LONGEST_REASON = 60, 1000  # characters
LATEST = 20  # votes from which the rate is told


@dataclass(frozen=True)
class Last:
    """A person's last vote that stands; `final` once they have seen what judges say, and can undo it no more."""

    item: Item
    vote: Vote
    final: bool


@dataclass(frozen=True)
class Progress:
    """How far one person, and all together, are.

    Parameters
    ----------
    mine, votes: votes of this person, and of all.
    decided, items: items that need no more votes, of how many.
    rate: votes an hour of this person, by the median time between the latest, which passes over pauses; None before
        there are two since the server started.
    """

    mine: int
    votes: int
    decided: int
    items: int
    rate: float | None


@dataclass(frozen=True)
class View:
    """What a person sees: the item to vote on, None where nothing is left for them, and their last vote.

    `notice` tells what did not go as they may have thought.
    """

    reviewer: str
    item: Item | None
    last: Last | None
    progress: Progress
    notice: str = ""


@contextmanager
def open_desk(project: Project, reviewers: Sequence[str] = ()) -> Iterator[Desk]:
    """The desk of a project, see `Desk`.

    Raises `InputError` where there is nothing to vote on, `RunError` while another process takes votes on the project.
    """
    if not project.accepted("write", Instruction):
        raise InputError(
            f"{project.folder}: there is nothing to vote on; run the stages before with: mmret annotate run"
        )
    try:
        file = project.votes.open("ab")
    except OSError as error:
        raise InputError(f"{project.votes}: votes cannot be written: {error.strerror}") from error
    with file:  # which ends the lock, as does the end of the process
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunError(f"{project.votes}: another server takes votes on this project; use it, or stop it") from (
                error
            )
        yield Desk(project, reviewers)


class Desk:
    """Takes the votes on a project, of which it must be the only one: see `open_desk`. Threads may call it at once.

    Parameters
    ----------
    project: as it stands now; what its stages change later is seen by the next desk.
    reviewers: whose votes are taken; anybody's where none is named.
    """

    def __init__(self, project: Project, reviewers: Sequence[str] = ()) -> None:
        self.name = project.config.project.name
        self.reviewers = [_name(one) for one in reviewers]
        self._path = project.votes
        settings = project.config.review
        items = items_of(project)
        self.items = {item.id: item for item in items}
        self._queue = Queue([item.id for item in items], settings.reviewers, 60 * settings.lease)
        self._votes: dict[str, list[Vote]] = {}  # by person, oldest first
        self._times: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=LATEST))
        for vote in {(one.pair, one.reviewer): one for one in Findings(project).votes}.values():
            if vote.pair in self.items:
                self._count(vote)
        self._final = {
            (line.reviewer, line.pair) for line in read_votes(self._path)
            if line.act == "verdicts" and line.pair in self.items and line.text == self.items[line.pair].text
        }  # fmt: skip
        self._lock = Lock()

    def known(self, name: str) -> str:
        """A person's name as it is kept: in one spelling, whatever its capitals. Raises `InputError` for none."""
        name = _name(name)
        spelt = (one for one in (*self.reviewers, *self._votes) if one.casefold() == name.casefold())
        found = next(spelt, None)
        if found is None and self.reviewers:
            raise unknown_name("reviewer", name, self.reviewers)
        return found or name

    def view(self, reviewer: str) -> View:
        """What a person sees now; an item is theirs from then on."""
        with self._lock:
            return self._view(self.known(reviewer))

    def vote(self, reviewer: str, name: str, accept: bool, reason: str) -> View:
        """Keep a vote on the item that a person has been given, and give the next.

        Once this returns, the vote survives a kill. One that is kept already, as when a page sends it twice, is not
        kept again; nor is one on an item that has been decided meanwhile, as the lease was over.
        """
        reason = _line(reason, "a reason", 0, LONGEST_REASON)
        with self._lock:
            reviewer, item, notice = self.known(reviewer), self._item(name), ""
            if self._queue.wants(reviewer, name):
                vote = Vote(pair=name, reviewer=reviewer, accept=accept, reason=reason, at=_now())
                self._keep("vote", vote, item)
                self._count(vote)
                self._times[reviewer].append(time.monotonic())
            elif not self._queue.has_voted(reviewer, name):
                notice = "Your vote on the item before is not kept: others had decided it meanwhile."
            return self._view(reviewer, notice)

    def skip(self, reviewer: str, name: str) -> View:
        """Leave an item to others, and give the next."""
        with self._lock:
            reviewer = self.known(reviewer)
            self._queue.skip(reviewer, self._item(name).id)
            return self._view(reviewer)

    def undo(self, reviewer: str) -> View:
        """Take a person's last vote back and give them its item again, or later where somebody else has it now.

        Raises `InputError` where there is none, and where they have seen what judges say of it: every vote that stands
        was given without knowing that.
        """
        with self._lock:
            reviewer = self.known(reviewer)
            last = self._last(reviewer)
            if last is None:
                raise InputError("you have no vote to undo")
            if last.final:
                raise InputError("you have seen what the judges say of your last item; your vote on it stands")
            self._keep("undo", last.vote.model_copy(update={"at": _now()}), last.item)
            self._votes[reviewer].pop()
            self._queue.undone(reviewer, last.item.id)
            if self._queue.wants(reviewer, last.item.id) and self._queue.is_free(reviewer, last.item.id):
                self._queue.hold(reviewer, last.item.id)
                return self._view(reviewer)
            return self._view(reviewer, "Your vote is undone. Others have its item now; you get it if it needs you.")

    def verdicts(self, reviewer: str) -> View:
        """Show what judges say of the item that a person voted on last, after which that vote stands."""
        with self._lock:
            reviewer = self.known(reviewer)
            last = self._last(reviewer)
            if last is None:
                raise InputError("vote first; then you see what the judges say")
            if not last.final:
                self._keep("verdicts", last.vote.model_copy(update={"at": _now()}), last.item)
                self._final.add((reviewer, last.item.id))
            return self._view(reviewer)

    def _view(self, reviewer: str, notice: str = "") -> View:
        name = self._queue.take(reviewer)
        progress = Progress(
            len(self._votes.get(reviewer, ())), sum(map(len, self._votes.values())), self._queue.decided,
            len(self.items), _rate(self._times[reviewer]),
        )  # fmt: skip
        return View(reviewer, None if name is None else self.items[name], self._last(reviewer), progress, notice)

    def _last(self, reviewer: str) -> Last | None:
        votes = self._votes.get(reviewer)
        return Last(self.items[votes[-1].pair], votes[-1], (reviewer, votes[-1].pair) in self._final) if votes else None

    def _count(self, vote: Vote) -> None:
        self._votes.setdefault(vote.reviewer, []).append(vote)
        self._queue.voted(vote.reviewer, vote.pair, vote.accept)

    def _item(self, name: str) -> Item:
        if name not in self.items:
            raise InputError("there is no such item; open the page anew")
        return self.items[name]

    def _keep(self, act: Literal["vote", "undo", "verdicts"], vote: Vote, item: Item) -> None:
        keep_vote(self._path, VoteLine(**vote.model_dump(), act=act, text=item.text))


def _name(text: str) -> str:
    return _line(text, "a reviewer's name", 1, LONGEST_NAME)


def _line(text: str, what: str, least: int, most: int) -> str:
    """A text in one line. Raises `InputError` for one of another length, and for one that no file can keep."""
    line = " ".join(text.split())
    if not least <= len(line) <= most:
        raise InputError(f"{what} has {least} to {most} characters")
    if line != line.encode(errors="replace").decode():
        raise InputError(f"{what} holds half a character, which no file can keep")
    return line


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _rate(times: Iterable[float]) -> float | None:
    gaps = [later - sooner for sooner, later in pairwise(times)]
    return 3600 / max(median(gaps), 0.1) if gaps else None
