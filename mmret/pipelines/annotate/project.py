"""The durable state of a project: what became of each item at each stage.

`state/<stage>.jsonl` holds one line for each item and outcome; later lines win. A line is on disk before the next item
is begun, so a kill loses the items in flight and no others. A line says what it was made by: when that changes, its
item is done anew, and only that.
"""

from __future__ import annotations

import fcntl
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, Protocol, Self, TypeVar

from pydantic import BaseModel, ValidationError

from ...engines import Executor, as_done
from ...errors import InputError, RunError
from ...items import text_digest
from ...lines import append_lines, read_lines
from ...media import Fault
from ...progress import bar
from .config import Config
from .records import Record

Status = Literal["accepted", "rejected", "pending"]


class Outcome(Record):
    """What became of an item.

    Parameters
    ----------
    status: "pending" is tried again by the next run.
    reason: why it was not accepted. What stands before a colon is counted together: "too quiet: -61 dB".
    record: what was made, plain values.
    """

    status: Status
    reason: str = ""
    record: dict[str, Any] | None = None

    @classmethod
    def accepted(cls, record: BaseModel) -> Self:
        """It goes on to the next stage."""
        return cls(status="accepted", record=record.model_dump(mode="json"))

    @classmethod
    def rejected(cls, reason: str, record: BaseModel | None = None) -> Self:
        """It ends here."""
        return cls(status="rejected", reason=reason, record=None if record is None else record.model_dump(mode="json"))

    @classmethod
    def pending(cls, reason: str) -> Self:
        """It could not be decided now."""
        return cls(status="pending", reason=reason)


class Row(Outcome):
    """The last word on an item; `made_by` is a fingerprint of the settings and inputs that led to it."""

    id: str
    made_by: str


class Item(Protocol):
    """What a stage works on, such as a `Clip`."""

    @property
    def id(self) -> str:
        """Unique within the stage."""


T = TypeVar("T", bound=Item)
R = TypeVar("R", bound=BaseModel)


@dataclass(frozen=True)
class Stage:
    """A stage and everything but the item that decides what it makes.

    Parameters
    ----------
    name: of its file of rows.
    settings: plain values; a change of any does all items anew.
    inputs: the plain values of an item that matter; a change does this item anew.
    """

    name: str
    settings: Mapping[str, Any]
    inputs: Callable[[Any], Any]

    def made_by(self, item: Item) -> str:
        """Fingerprint of settings and inputs, 16 hex digits."""
        decisive = [self.name, dict(self.settings), self.inputs(item)]
        return text_digest(json.dumps(decisive, sort_keys=True, ensure_ascii=False))[:16]


class Threads:
    """Work that mostly waits, such as for answers of a server. An `MmretError` ends the run; nothing done is lost."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._pool = ThreadPoolExecutor(count)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def submit(self, function: Callable[..., Any], *arguments: object) -> Future[Any]:
        """Start `function(*arguments)`."""
        return self._pool.submit(function, *arguments)

    def result_of(self, future: Future[Any]) -> Any:
        """What it returned. Raises what it raised."""
        return future.result()


class Project:
    """A folder with clips and state. Reading needs no more; whoever writes does so in a `with` block.

    Parameters
    ----------
    config: its settings; `config.project.folder` is the folder.

    Entering raises `RunError` while another process writes.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.folder = config.project.folder
        self._lock: IO[str] | None = None

    def __enter__(self) -> Self:
        try:
            (self.folder / "state").mkdir(parents=True, exist_ok=True)
            lock = (self.folder / "lock").open("a")
        except OSError as error:
            raise InputError(f"{self.folder}: the project folder cannot be written: {error.strerror}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.close()
            raise RunError(f"{self.folder}: another process works on this project; wait until it has ended") from error
        self._lock = lock
        return self

    def __exit__(self, *_: object) -> None:
        if self._lock is not None:
            self._lock.close()  # ends the lock, as does the end of the process
            self._lock = None

    def clip(self, name: str) -> Path:
        """Where the clip of that id lies."""
        return self.folder / "clips" / f"{name}.mp4"

    @property
    def votes(self) -> Path:
        """Where the votes of people are kept."""
        return self.folder / "state" / "votes.jsonl"

    def rows(self, stage: str) -> dict[str, Row]:
        """The last word on each item of a stage, by id; none before it ran. Raises `InputError` for what is no row."""
        rows: dict[str, Row] = {}
        for place, fields in read_lines(self._path(stage), "id"):
            if fields.get("status") == "dropped":
                rows.pop(fields["id"], None)
            else:
                rows[fields["id"]] = self._valid(stage, Row, fields, f"the line at byte {place}")
        return rows

    def accepted(self, stage: str, kind: type[R]) -> list[R]:
        """The records of all accepted items of a stage, ordered by id. Raises `InputError` for another kind."""
        rows = sorted(self.rows(stage).items())
        return [self._valid(stage, kind, row.record, name) for name, row in rows if row.status == "accepted"]

    def records(self, stage: str, kind: type[R]) -> dict[str, R]:
        """What was made of the items of a stage, also of rejected ones, by id. Raises `InputError` for another kind."""
        rows = self.rows(stage).items()
        return {name: self._valid(stage, kind, row.record, name) for name, row in rows if row.record is not None}

    def counts(self, stage: str) -> dict[Status, dict[str, int]]:
        """Status → reason, without what follows a colon in it → number of items; the most frequent first."""
        found: dict[Status, Counter[str]] = {}
        for row in self.rows(stage).values():
            found.setdefault(row.status, Counter())[row.reason.partition(":")[0]] += 1
        return {status: dict(found[status].most_common()) for status in sorted(found)}

    def keep(self, stage: str, rows: Iterable[Row], dropped: Iterable[str] = ()) -> None:
        """Add rows, and drop items that are no more; once this returns, neither a kill nor a power cut undoes it."""
        lines = [row.model_dump(mode="json") for row in rows] + [{"id": one, "status": "dropped"} for one in dropped]
        if self._lock is None:
            raise RuntimeError("a project is written to within its with block")
        if not lines:
            return
        try:
            append_lines(self._path(stage), *lines)
        except OSError as error:
            raise RunError(f"{self._path(stage)}: cannot be written: {error.strerror}; free some space") from error

    def settle(self, stage: Stage, outcomes: Iterable[tuple[Item, Outcome]]) -> None:
        """Keep what became of all items of a stage that looks at them together; rows that are the same stay."""
        known = self.rows(stage.name)
        rows = {item.id: _row(stage, item, outcome) for item, outcome in outcomes}
        new = [row for row in rows.values() if known.get(row.id) != row]
        self.keep(stage.name, new, [name for name in known if name not in rows])

    def _valid(self, stage: str, kind: type[R], fields: object, where: str) -> R:
        try:
            return kind.model_validate(fields)
        except ValidationError as error:
            raise InputError(
                f"{self._path(stage)}: {where} is none of this version's; delete the file, and the stage does all anew"
            ) from error

    def _path(self, stage: str) -> Path:
        return self.folder / "state" / f"{stage}.jsonl"


def run_stage(
    project: Project,
    stage: Stage,
    items: Iterable[T],
    work: Callable[[T], Outcome],
    executor: Executor,
    *,
    show: bool = False,
) -> Counter[Status]:
    """Do `work` for each item that has no row made by the same, and give the number of items by status.

    Parameters
    ----------
    items: all of the stage; rows of others are dropped.
    work: a function of its item alone, apart from files of its own; in `Workers` it must be picklable.
    executor: where it fails, as when a process crashes, the item stays pending.
    """
    wanted = {item.id: item for item in items}
    known = project.rows(stage.name)
    project.keep(stage.name, [], [name for name in known if name not in wanted])
    done = {
        name for name, row in known.items()
        if name in wanted and row.status != "pending" and row.made_by == stage.made_by(wanted[name])
    }  # fmt: skip
    found: Counter[Status] = Counter(known[name].status for name in done)
    with bar(len(wanted), stage.name, "item", show=show) as progress:
        progress.update(len(done))
        todo = (item for name, item in wanted.items() if name not in done)
        for some in as_done(todo, work, executor):
            rows = [_row(stage, item, _outcome(result)) for item, result in some]
            project.keep(stage.name, rows)
            found.update(row.status for row in rows)
            progress.set_postfix(dict(found), refresh=False)
            progress.update(len(rows))
    return found


def _outcome(result: Outcome | Fault) -> Outcome:
    return Outcome.pending(result.reason) if isinstance(result, Fault) else result


def _row(stage: Stage, item: Item, outcome: Outcome) -> Row:
    return Row(id=item.id, made_by=stage.made_by(item), **outcome.model_dump())
