"""The public table of a benchmark: who stands where under one protocol, and who cannot be told apart.

A table is made once for each change of what it shows (`Benchmark.generation`) and then served from memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, TypeVar, get_args

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from ...encoders.base import Track
from ...errors import unknown_name
from ...evaluation import Measure
from ...evaluation.summary import ALL
from .board import Board
from .database import Benchmark, Import, Score, State, Submission
from .exported import kept_export
from .feedback import rounded
from .groups import ranks_of
from .memory import Memory
from .references import references

TRACKS: tuple[Track, ...] = get_args(Track)
Origin = Literal["verified", "published", "imported"]
Name = TypeVar("Name", bound=str)


@dataclass(frozen=True)
class Figure:
    """A measure on a slice, with its 95 % interval; None where there is no interval."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Row:
    """A system in a table.

    Parameters
    ----------
    rank: 1 + number of systems ranked together with it that are significantly better; None for one that is not ranked.
    figures: slice → figure; a slice without one is left out.
    state: "verified" here, "published" by others, or "imported" from another board; only the first are ranked.
    submission: its id; "" for a published row, as is what else is not known of it.
    track: how sound is read; None where it is not known.
    date: when it was sent.
    query_ms: what a query costs, milliseconds; `cost` is all that its team says of it.
    gap: figure on the public counterpart less that on this hidden benchmark, of the same model and team.
    note: who published it and how it was measured, or which board it is from.
    """

    rank: int | None
    model: str
    figures: Mapping[str, Figure]
    state: Origin
    submission: str = ""
    team: str = ""
    organisation: str = ""
    link: str = ""
    licence: str = ""
    track: Track | None = None
    parameters: int | None = None
    open_weights: bool | None = None
    saw_benchmark: str = "unknown"
    date: date | None = None
    query_ms: float | None = None
    cost: Mapping[str, Any] = field(default_factory=dict)
    scorer_version: str = ""
    gap: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Table:
    """A benchmark under one protocol, by one measure.

    Parameters
    ----------
    slice: of whose figures the ranks are.
    tracks: those that are ranked together; None where each track is ranked by itself, one after the other.
    slices: slice → number of its queries, all queries first.
    rows: ranked ones, the best figure first, then those that are not ranked.
    """

    benchmark: str
    generation: int
    protocol: str
    measure: str
    slice: str
    tracks: tuple[Track, ...] | None
    slices: Mapping[str, int]
    rows: Sequence[Row]


_memory: Memory[Table] = Memory(256)


def table(
    board: Board,
    benchmark: str,
    protocol: str | None = None,
    measure: str | None = None,
    *,
    slice: str = ALL,
    tracks: Sequence[str] | None = None,
    session: Session | None = None,
) -> Table:
    """The table of a benchmark, from memory unless it has changed.

    Parameters
    ----------
    benchmark: id.
    protocol, measure: by default those that it is ranked by first; no table mixes several.
    slice: whose figures are ranked.
    tracks: those to rank together, without the others; None ranks each track by itself.
    session: what to read in, to see the same moment as something else.

    Raises `InputError` for names that the benchmark does not know.
    """
    with nullcontext(session) if session is not None else board.reading() as reading:
        asked = reading.get(Benchmark, benchmark)
        if asked is None:
            raise unknown_name("benchmark", benchmark, reading.scalars(select(Benchmark.id)))
        view = _View(
            _known("protocol", protocol or asked.main_protocol, asked.protocols),
            _known("measure", measure or asked.main_measure, asked.measures),
            _known("slice", slice, [ALL, *asked.slices]),
            None
            if tracks is None
            else tuple(sorted({_known("track", one, TRACKS) for one in tracks}, key=TRACKS.index)),
        )
        return _memory.get(board, (asked.id, view), asked.generation, lambda: _made(board, reading, asked, view))


def ordered(rows: Sequence[Row], key: Callable[[Row], Any], *, descending: bool = False) -> list[Row]:
    """Rows by a key; those without one (None) come last in either direction, equal ones keep their order."""
    known = [row for row in rows if key(row) is not None]
    return sorted(known, key=key, reverse=descending) + [row for row in rows if key(row) is None]


@dataclass(frozen=True)
class _View:
    """What of a benchmark is asked for; see `table`."""

    protocol: str
    measure: str
    slice: str
    tracks: tuple[Track, ...] | None


def _known(kind: str, name: str, names: Sequence[Name]) -> Name:
    for one in names:
        if one == name:
            return one
    raise unknown_name(kind, name, names)


def _made(board: Board, session: Session, benchmark: Benchmark, view: _View) -> Table:
    found = _submissions(session, benchmark)
    figures, slices = _figures(session, benchmark.id, view)
    gaps = _gaps(session, benchmark, view, found, figures)
    rows: list[Row] = []
    for together in [(track,) for track in TRACKS] if view.tracks is None else [view.tracks]:
        group = [one for one in found if _track(one) in together]
        ranked = [one for one in group if view.slice in figures.get(one.id, {})]
        digests = [str(one.values_digest) for one in ranked]
        places = ranks_of(board, benchmark, digests, view.protocol, view.measure, view.slice)
        rank = dict(zip([one.id for one in ranked], places, strict=True))
        rows += _by_figure(
            [_row(one, rank.get(one.id), figures.get(one.id, {}), gaps.get(one.id)) for one in group], view
        )
    published = [
        Row(None, one.model, {name: Figure(value) for name, value in one.figures.items()}, "published", note=one.note)
        for one in references(benchmark, view.protocol, view.measure)
    ]
    rows += _by_figure([*published, *_imported(session, board, benchmark, view)], view)
    order = {name: slices[name] for name in [ALL, *benchmark.slices] if name in slices}
    return Table(benchmark.id, benchmark.generation, view.protocol, view.measure, view.slice, view.tracks, order, rows)


def _imported(session: Session, board: Board, benchmark: Benchmark, view: _View) -> Iterator[Row]:
    """Rows of other boards, of the tracks that are shown."""
    for one in session.scalars(select(Import).where(Import.benchmark_id == benchmark.id).order_by(Import.id)):
        note = f"exported {one.exported_at:%Y-%m-%d} by the board whose key is {one.key}"
        tables = kept_export(board.files.path(one.file_digest)).benchmarks
        for theirs in (row for table in tables if table.digest == benchmark.digest for row in table.rows):
            figures = {
                score.slice: Figure(score.value, score.low, score.high)
                for score in theirs.scores
                if (score.protocol, score.measure) == (view.protocol, view.measure) and score.value is not None
            }
            if figures and theirs.description.model.track in (view.tracks or TRACKS):
                described = _described(theirs.description.model_dump(mode="json"), theirs.received_at)
                yield Row(
                    None,
                    figures=figures,
                    state="imported",
                    submission=theirs.submission,
                    team=theirs.team,
                    scorer_version=theirs.scorer_version,
                    note=note,
                    **described,
                )


def _by_figure(rows: Sequence[Row], view: _View) -> list[Row]:
    def value(row: Row) -> float | None:
        return row.figures[view.slice].value if view.slice in row.figures else None

    return ordered(rows, value, descending=Measure.parse(view.measure).higher_is_better)


def _submissions(session: Session, benchmark: Benchmark) -> list[Submission]:
    """Those that rank, oldest first."""
    asked = select(Submission).where(Submission.benchmark_id == benchmark.id, Submission.state == State.verified)
    return list(session.scalars(asked.options(joinedload(Submission.team)).order_by(Submission.id)))


def _figures(session: Session, benchmark: str, view: _View) -> tuple[dict[str, dict[str, Figure]], dict[str, int]]:
    """Submission → slice → figure, and slice → number of queries."""
    asked = (
        select(Score.submission_id, Score.slice, Score.value, Score.low, Score.high, Score.n)
        .join(Submission)
        .where(
            Submission.benchmark_id == benchmark,
            Submission.state == State.verified,
            Score.protocol == view.protocol,
            Score.measure == view.measure,
        )
    )
    figures: dict[str, dict[str, Figure]] = {}
    slices: dict[str, int] = {}
    for submission, name, value, low, high, n in session.execute(asked):
        figures.setdefault(submission, {})[name] = Figure(value, low, high)
        slices[name] = n
    return figures, slices


def _gaps(
    session: Session,
    benchmark: Benchmark,
    view: _View,
    found: Sequence[Submission],
    figures: Mapping[str, Mapping[str, Figure]],
) -> dict[str, float]:
    """Submission → figure on the public counterpart less its own, where there are both; the last public one counts."""
    public = session.get(Benchmark, benchmark.public_id) if benchmark.public_id else None
    if public is None:
        return {}
    there = _figures(session, public.id, view)[0]
    last = {_system(one): there[one.id][ALL].value for one in _submissions(session, public) if one.id in there}
    return {
        one.id: rounded(last[_system(one)] - figures[one.id][ALL].value, benchmark.decimals)
        for one in found
        if _system(one) in last and one.id in figures
    }


def _system(submission: Submission) -> tuple[int, str, str]:
    model = submission.description["model"]
    return submission.team_id, model["name"], model["revision"]


def _track(submission: Submission) -> Track:
    track: Track = submission.description["model"]["track"]
    return track


def _row(submission: Submission, rank: int | None, figures: Mapping[str, Figure], gap: float | None) -> Row:
    return Row(
        rank,
        figures=figures,
        state="verified",
        submission=submission.id,
        team=submission.team.name,
        scorer_version=submission.scorer_version or "",
        gap=gap,
        **_described(submission.description, submission.received_at),
    )


def _described(said: Mapping[str, Any], received_at: datetime) -> dict[str, Any]:
    """The fields of a row that its team told, and when."""
    model = said["model"]
    return {
        "model": model["name"],
        "organisation": said["organisation"],
        "link": model["link"],
        "licence": model["licence"],
        "track": model["track"],
        "parameters": model["parameters"],
        "open_weights": model["open_weights"],
        "saw_benchmark": said["saw_benchmark"],
        "date": received_at.date(),
        "query_ms": said["cost"]["query_ms"],
        "cost": said["cost"],
    }
