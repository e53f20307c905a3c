"""The explorer on a board: what ranked submissions to a public benchmark answered, query by query."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from threading import Lock
from typing import Any

import gradio as gr
from fastapi import APIRouter

from ...benchmarks import Benchmark as Labelled
from ...benchmarks import load_benchmark
from ...errors import InputError, unknown_name
from ...evaluation import PROTOCOLS, Result, Run, read_run, score_run_on
from ...evaluation.selection import candidates_only
from ...media import Workers
from ...serving.media import MediaShelf
from ..board import Board
from ..board.answers import save_answers
from ..board.database import Benchmark, State, Submission
from ..board.files import digest_of
from .answers import Load, Study
from .pages import fill, page_of
from .pages.render import html
from .pages.scene import Scene
from .pages.state import State as Address
from .pages.stills import Stills

MOST = 3  # submissions side by side
TABLES = "."  # where a page leads that cannot be shown
VIEWS = 2  # of a benchmark in memory: the one that was scored, and tables as pictures
KEPT = 4  # studies in memory; one of OmniCVR's size and two systems takes half a gigabyte


def loads_of(board: Board, chosen: Mapping[str, str]) -> dict[str, Load]:
    """How the benchmarks are read whose answers are shown.

    Parameters
    ----------
    chosen: id of a benchmark → the name or folder by which it is loaded, "" for that by which it was added.

    Raises `InputError` for one that the board does not have, whose labels are hidden, whose media cannot be read, or
    that has other labels here than on the board.
    """
    loads: dict[str, Load] = {}
    for identity, name in chosen.items():
        with board.reading() as session:
            asked = _public(session.get(Benchmark, identity), identity)
        load = lru_cache(maxsize=VIEWS)(partial(_load, name or asked.source))  # all studies share what is read
        _checked(asked, load(asked.view))
        loads[identity] = load
    return loads


def study_of(board: Board, benchmark: str, submissions: Sequence[str], load: Load) -> Study:
    """A study of ranked submissions to a public benchmark, scored anew from their runs.

    Parameters
    ----------
    benchmark, submissions: ids.
    load: reads that benchmark with its media.

    Raises `InputError` for a benchmark whose labels are hidden, for submissions that are not ranked on it, for none and
    for more than `MOST`, and when the benchmark here has other labels than those of the board.
    """
    if not 1 <= len(submissions) <= MOST:
        raise InputError(f"choose one to {MOST} rows of one table to explore, not {len(submissions)}")
    with board.reading() as session:
        asked = _public(session.get(Benchmark, benchmark), benchmark)
        found = [session.get(Submission, one) for one in submissions]
        ranked = [one for one in found if one is not None and one.state is State.verified]
        if len(ranked) < len(submissions) or any(one.benchmark_id != benchmark for one in ranked):
            raise InputError(
                f"only submissions that are ranked on {benchmark} can be explored; choose them in its table"
            )
        names = [f"{one.description['model']['name']} ({one.team.name})" for one in ranked]
        paths = [board.files.path(one.file_digest) for one in ranked]
    whole = _checked(asked, load(asked.view))
    results = [_result(whole, asked, read_run(path), name) for path, name in zip(paths, names, strict=True)]
    return Study.of(results, load)


def _public(found: Benchmark | None, identity: str) -> Benchmark:
    if found is None:
        raise InputError(f"there is no benchmark {identity!r} on this board")
    if found.hidden:
        raise InputError(f"the labels of {identity} are hidden, and so is what systems answered")
    return found


def _load(name: str, view: str) -> Labelled:
    return load_benchmark(name, view=view or None)


def _checked(asked: Benchmark, whole: Labelled) -> Labelled:
    """The benchmark as it is here, if it has the board's questions and labels."""
    if (whole.ground_digest, _labels_digest(whole)) != (asked.digest, asked.answers_digest):
        raise InputError(
            f"{asked.id} has other labels here than on the board; whoever runs it must name the one that was added, or "
            "add it anew"
        )
    return whole


def _labels_digest(whole: Labelled) -> str:
    """By which a board knows the labels that it froze."""
    with tempfile.TemporaryDirectory(prefix="mmret-") as folder:
        path = Path(folder) / "answers"
        save_answers(whole, path)
        return digest_of(path)


def _result(whole: Labelled, asked: Benchmark, run: Run, name: str) -> Result:
    """What an evaluation would have written of this run, as far as a study reads it."""
    scored = whole.usable()
    if not any(PROTOCOLS[one].everything for one in asked.protocols):
        scored = candidates_only(scored)
    found = score_run_on(run, scored, protocols=asked.protocols, measures=asked.measures)
    entry = {"name": whole.name, "version": whole.version, "view": whole.view, "digest": whole.digest}
    record: dict[str, Any] = {
        "benchmark": entry | {"scored_digest": scored.digest, "media_digest": ""},
        "model": {"name": name},
        "settings": {"resolved": {}},
        "scores": found.scores,
        "excluded": {"documents": whole.excluded.documents, "queries": whole.excluded.queries},
        "run_depth": int(run.lists.sizes.max()) if found.unlisted else None,
    }
    return Result(record, found.per_query, run)


class BoardExplorer:
    """The explorer's pages for the public benchmarks of a board whose media are on its server; nobody votes or asks.

    Parameters
    ----------
    loads: id of a benchmark → reads it with its media. Whatever these hold can be fetched by anybody.
    workers: draw small pictures; closed by whoever made them.
    """

    most = MOST

    def __init__(self, board: Board, loads: Mapping[str, Load], workers: Workers) -> None:
        self._board, self._loads = board, dict(loads)
        self._shelf = MediaShelf()
        self._stills = Stills(self._shelf, workers)
        self._lock = Lock()
        self._scene = lru_cache(maxsize=KEPT)(self._open)

    def __contains__(self, benchmark: str) -> bool:
        return benchmark in self._loads

    def router(self) -> APIRouter:
        """The routes of the media, and of their small pictures."""
        router = APIRouter(include_in_schema=False)
        router.include_router(self._shelf.router())
        router.include_router(self._stills.router())
        return router

    @property
    def style(self) -> str:
        """CSS of the pages."""
        return str(html("explorer.css"))

    def fill(self, blocks: gr.Blocks) -> None:
        """Put the pages into these, at one address."""
        fill(blocks, self.page)

    def page(self, address: str) -> str:
        """The page of an address, which names the benchmark and the submissions: "benchmark=…&id=…&id=…"."""
        return page_of(self._asked, address, TABLES)

    def _asked(self, asked: Address) -> Scene:
        if asked.benchmark not in self._loads:
            raise unknown_name("benchmark with media here", asked.benchmark, self._loads)
        with self._lock:  # one study is opened at a time
            return self._scene(asked.benchmark, asked.id, self._generation(asked.benchmark))

    def _generation(self, benchmark: str) -> int:
        """Grows when a submission is hidden or withdrawn, after which it must not be shown."""
        with self._board.reading() as session:
            found = session.get(Benchmark, benchmark)
            return -1 if found is None else found.generation

    def _open(self, benchmark: str, submissions: tuple[str, ...], generation: int) -> Scene:  # noqa: ARG002
        study = study_of(self._board, benchmark, submissions, self._loads[benchmark])
        self._shelf.add((*study.benchmark.documents, *study.benchmark.queries))
        return Scene(study, self._shelf)
