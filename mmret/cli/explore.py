"""`mmret explore`: see and hear what systems answered, query by query."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .common import Cache, Data, Exclusions, FieldMap, Provenance, Slices, Split, names, note

if TYPE_CHECKING:
    from ..leaderboard.explorer import Study


def explore(
    results: Annotated[list[Path], typer.Argument(help="Output folders of `mmret eval`, of one benchmark.")],
    data: Data = None,
    exclusions: Exclusions = None,
    slices: Slices = None,
    field_map: FieldMap = None,
    split: Split = None,
    provenance: Provenance = None,
    votes: Annotated[
        Path | None, typer.Option(help="File of votes on labels. Default: one for each benchmark, beside its data.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen at; others than this machine see what you have.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen at; 0 takes a free one.")] = 7861,
    cache: Cache = None,
) -> None:
    """See and hear what systems answered: a page on this machine, until Ctrl-C."""
    from ..evaluation import Settings
    from ..leaderboard.explorer import Study
    from ..leaderboard.explorer.live import Live
    from ..leaderboard.explorer.pages.captions import Captions
    from ..leaderboard.explorer.pages.scene import Scene
    from ..leaderboard.explorer.server import serve
    from ..leaderboard.explorer.votes import Votes, votes_path
    from ..serving.media import MediaShelf

    study = Study.open(
        results,
        data,
        exclusions=exclusions,
        slices=slices,
        field_map=field_map,
        split=split,
        provenance=names(provenance),
        cache=cache,
    )
    ballots = Votes(votes or votes_path(study.benchmark.name, study.digest), study.benchmark)
    _show(study)
    study.facts(study.protocols[0])
    note(f"votes: {ballots.path} ({len(ballots.all())} so far)")
    with Live(study, Settings(cache=cache), show=True) as live:
        shelf = MediaShelf((*study.benchmark.documents, *study.benchmark.queries))
        scene = Scene(study, shelf, ballots, live, Captions.of(study, cache))
        serve(scene, host, port, lambda address: note(f"serving {address}"))


def _show(study: Study) -> None:
    """What there is, on stdout."""
    from ..evaluation.frames import percent

    benchmark, measure = study.benchmark, study.measures[0]
    print(
        f"{benchmark.name} {benchmark.version}: {len(benchmark.queries):,} queries, "
        f"{len(benchmark.documents):,} documents; protocols: {', '.join(study.protocols)}"
    )
    for system in study.systems:
        scores = system.result.record["scores"]
        figures = [f"{name} {percent(measure, scores[name]['all'][measure]['value'])}" for name in study.protocols]
        print(f"  {system.name}: {measure}, {', '.join(figures)}")
