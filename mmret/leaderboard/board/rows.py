"""The public table of a benchmark: who stands where under one protocol, and who cannot be told apart.

A table is made once for each change of what it shows (`Benchmark.generation`) and then served from memory.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from ...encoders.base import Track
from ...errors import unknown_name
from ...evaluation import Measure
from ...evaluation.summary import ALL
from .answers import load_answers
from .board import Board
from .database import Benchmark, Import, Score, State, Submission
from .exported import kept_export
from .feedback import rounded
from .groups import ranks_of
from .memory import Memory
from .references import references
from .row import TRACKS, Figure, Origin, Row, Table, View, ordered

__all__ = ["TRACKS", "Figure", "Origin", "Row", "Table", "ordered", "table"]

Name = TypeVar("Name", bound=str)
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
        view = View(
            _known("protocol", protocol or asked.main_protocol, asked.protocols),
            _known("measure", measure or asked.main_measure, asked.measures),
            _known("slice", slice, [ALL, *asked.slices]),
            None
            if tracks is None
            else tuple(sorted({_known("track", one, TRACKS) for one in tracks}, key=TRACKS.index)),
        )
        return _memory.get(board, (asked.id, view), asked.generation, lambda: _made(board, reading, asked, view))


def _known(kind: str, name: str, names: Sequence[Name]) -> Name:
    for one in names:
        if one == name:
            return one
    raise unknown_name(kind, name, names)


def _made(board: Board, session: Session, benchmark: Benchmark, view: View) -> Table:
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
    shown = {ALL}.union(*(row.figures for row in rows))
    if shown - slices.keys():  # what others measured, where nobody has submitted yet
        slices = _sizes(board, benchmark)
    sizes = {name: slices[name] for name in [ALL, *benchmark.slices] if name in shown}
    return Table(benchmark.id, benchmark.generation, view.protocol, view.measure, view.slice, view.tracks, sizes, rows)


def _sizes(board: Board, benchmark: Benchmark) -> dict[str, int]:
    """Slice → number of queries, by the labels."""
    labels = load_answers(board.private.path(benchmark.answers_digest))
    return {ALL: len(labels.queries)} | {name: len(members) for name, members in labels.slices.items()}


def _imported(session: Session, board: Board, benchmark: Benchmark, view: View) -> Iterator[Row]:
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


def _by_figure(rows: Sequence[Row], view: View) -> list[Row]:
    def value(row: Row) -> float | None:
        return row.figures[view.slice].value if view.slice in row.figures else None

    return ordered(rows, value, descending=Measure.parse(view.measure).higher_is_better)


def _submissions(session: Session, benchmark: Benchmark) -> list[Submission]:
    """Those that rank, oldest first."""
    asked = select(Submission).where(Submission.benchmark_id == benchmark.id, Submission.state == State.verified)
    return list(session.scalars(asked.options(joinedload(Submission.team)).order_by(Submission.id)))


def _figures(session: Session, benchmark: str, view: View) -> tuple[dict[str, dict[str, Figure]], dict[str, int]]:
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
    view: View,
    found: Sequence[Submission],
    figures: Mapping[str, Mapping[str, Figure]],
) -> dict[str, float]:
    """Submission → figure on the public counterpart less its own, where there are both; the last public one counts."""
    public = session.get(Benchmark, benchmark.public_id) if benchmark.public_id else None
    if public is None:
        return {}
    here, there = _values(figures), _values(_figures(session, public.id, view)[0])
    last = {_system(one): there[one.id] for one in _submissions(session, public) if one.id in there}
    return {
        one.id: rounded(last[_system(one)] - here[one.id], benchmark.decimals)
        for one in found
        if _system(one) in last and one.id in here
    }


def _values(figures: Mapping[str, Mapping[str, Figure]]) -> dict[str, float]:
    """Submission → its figure for all queries, where that is a number."""
    return {
        submission: slices[ALL].value
        for submission, slices in figures.items()
        if ALL in slices and math.isfinite(slices[ALL].value)
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
