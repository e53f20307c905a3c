"""Every answer that was paid for, in one file: what a resumed run need not ask again, and the ledger of its cost."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from ....chat import Answer
from ....errors import RunError
from ....lines import append_lines, read_lines
from ..project import Project

SPENT = "budget"  # how the reason of an item begins that was left because the budget was spent


@dataclass
class Total:
    """Calls of one stage to one model, with the tokens and the money they took.

    `uncounted` calls have no known cost: the server counts no tokens, or no price is set.
    """

    calls: int = 0
    read: int = 0
    written: int = 0
    cost: float = 0.0
    uncounted: int = 0

    def add(self, row: dict[str, Any]) -> None:
        """Count a line of the file."""
        self.calls += 1
        self.read += row["read"] or 0
        self.written += row["written"] or 0
        self.cost += row["cost"] or 0.0
        self.uncounted += row["cost"] is None


class SpentError(RunError):
    """The budget allows no further call."""


class Calls:
    """The answers in a file of JSON lines, by key, and the budget for new ones; may be used by several threads.

    Parameters
    ----------
    path: the file; made with the first answer.
    max_calls, max_cost: of all answers in the file, those of earlier runs too; None for no limit.
    """

    def __init__(self, path: Path, max_calls: int | None = None, max_cost: float | None = None) -> None:
        self._path, self._max_calls, self._max_cost = path, max_calls, max_cost
        self.limits_cost = max_cost is not None
        self._lock = threading.Lock()
        self._places: dict[str, int] = {}
        self.totals: dict[tuple[str, str], Total] = {}
        """By stage and model."""
        self._under_way, self._reserved, self._dearest = 0, 0.0, 0.0
        for place, row in read_lines(path, "key"):
            self._note(place, row)

    @classmethod
    def of(cls, project: Project) -> Self:
        """Those of a project, in `state/calls.jsonl`."""
        budget = project.config.budget
        return cls(project.folder / "state" / "calls.jsonl", budget.max_calls, budget.max_cost)

    def known(self, key: str) -> Answer | None:
        """The answer that was paid for under a key."""
        with self._lock:
            place = self._places.get(key)
        if place is None:
            return None
        with self._path.open("rb") as file:
            file.seek(place)
            row = json.loads(file.readline())
        return Answer(row["text"], row["cut"], row["read"], row["written"])

    def check(self, most_written: float) -> None:
        """Raise `SpentError` where there would be no room for a call even if none were under way."""
        with self._lock:
            self._check(0, max(most_written, self._dearest))

    @contextmanager
    def allowance(self, most_written: float) -> Iterator[None]:
        """Room in the budget for one call, until the block ends.

        What a call will cost is known only afterwards. Room is kept for the dearest call so far, and for
        `most_written`, the cost of the longest answer; what a first question costs to read comes on top of the budget.

        Raises `SpentError` where there is no room.
        """
        with self._lock:
            room = max(most_written, self._dearest)
            self._check(self._under_way, self._reserved + room)
            self._under_way += 1
            self._reserved += room
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= 1
                self._reserved -= room

    def keep(self, key: str, answer: Answer, cost: float | None, **about: str | float) -> None:
        """Keep an answer; once this returns, neither a kill nor a power cut undoes it.

        Parameters
        ----------
        cost: None where it is not known.
        about: `stage`, `model`, and what else a reader of the ledger may ask for.

        Raises `RunError` when the disk takes no more, or a limited cost is not known.
        """
        row = {
            "key": key, **about, "read": answer.read, "written": answer.written, "cost": cost,
            "at": datetime.now(UTC).isoformat(timespec="seconds"), "cut": answer.cut, "text": answer.text,
        }  # fmt: skip
        with self._lock:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                place = append_lines(self._path, row)
            except OSError as error:
                raise RunError(f"{self._path}: cannot be written: {error.strerror}; free some space") from error
            self._note(place, row)
        if cost is None and self._max_cost is not None:
            raise RunError(f"{about['model']}: the server counts no tokens; bound the run with --max-calls instead")

    def _check(self, calls: int, cost: float) -> None:
        """Whether so many calls and so much money may be added to what is spent."""
        made = sum(total.calls for total in self.totals.values())
        spent = sum(total.cost for total in self.totals.values())
        if self._max_calls is not None and made + calls >= self._max_calls:
            raise SpentError(f"{SPENT}: {self._max_calls:,} calls are made; raise it with --max-calls")
        if self._max_cost is not None and spent + cost > self._max_cost:
            raise SpentError(f"{SPENT}: the next call may go over {self._max_cost:g}; raise it with --max-cost")

    def _note(self, place: int, row: dict[str, Any]) -> None:
        self._places[row["key"]] = place
        self.totals.setdefault((row["stage"], row["model"]), Total()).add(row)
        self._dearest = max(self._dearest, row["cost"] or 0.0)
