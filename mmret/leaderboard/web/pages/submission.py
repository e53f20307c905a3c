"""The page of one submission: its figures, what its team says of it, and its downloads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from ....errors import InputError
from ....evaluation.protocols import PROTOCOLS
from ....evaluation.summary import ALL
from ...board import Board
from ...board.database import Benchmark, Score, State, Submission
from .charts import by_slice
from .plots import bars
from .query import Query
from .render import html, unit
from .tables import OPEN, SAW

if TYPE_CHECKING:
    from ...explorer.boards import BoardExplorer

WORDS = {
    State.pending: "It waits to be scored.",
    State.flagged: "It was scored; a moderator will look at it before it is ranked.",
    State.failed: "It could not be scored; its team can read why.",
    State.hidden: "A moderator took it off the table.",
    State.withdrawn: "Its team took it back.",
}
FORMATS = {"csv": "CSV", "markdown": "Markdown", "latex": "LaTeX", "json": "JSON"}


def submission(board: Board, query: Query, explorer: BoardExplorer | None = None) -> Markup:
    """The page of the submission whose id the address names; of one that is not ranked it says no more than its state.

    Raises `InputError` when there is none of that id.
    """
    identity = next(iter(query.texts("id")), "")
    with board.reading() as session:
        found = session.get(Submission, identity)
        if found is None:
            raise InputError(f"there is no submission {identity!r}")
        benchmark, team, scores = found.benchmark, found.team.name, list(found.scores)
    if found.state is not State.verified:
        return html("withheld.html", submission=found, benchmark=benchmark, words=WORDS[found.state])
    return html(
        "submission.html",
        submission=found,
        benchmark=benchmark,
        team=team,
        about=found.description,
        facts=list(_facts(found.description)),
        sections=[_section(name, scores, benchmark) for name in benchmark.protocols],
        formats=FORMATS,
        explored=explorer is not None and benchmark.id in explorer,
        plot=_plot(scores, benchmark),
    )


def slices_of(benchmark: Benchmark) -> list[str]:
    """All queries, and each slice of them."""
    return [ALL, *benchmark.slices]


def _section(protocol: str, scores: Sequence[Score], benchmark: Benchmark) -> dict[str, Any]:
    """The table of a protocol: each slice with its number of queries and the score, or None, of each measure."""
    found = {(one.slice, one.measure): one for one in scores if one.protocol == protocol}
    slices = []
    for name in slices_of(benchmark):
        row = [found.get((name, measure)) for measure in benchmark.measures]
        if any(row):
            slices.append((name, max(one.n for one in row if one), row))
    return {"protocol": PROTOCOLS[protocol], "slices": slices}


def _plot(scores: Sequence[Score], benchmark: Benchmark) -> Markup:
    measure = benchmark.main_measure
    found = {one.slice: one for one in scores if (one.protocol, one.measure) == (benchmark.main_protocol, measure)}
    title = f"{measure} by slice, {benchmark.main_protocol}"
    return bars("slices", title, [measure], by_slice([found], slices_of(benchmark), measure), measure + unit(measure))


def _facts(said: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What the team says: name, text, and the link where the text is one."""
    model, cost = said["model"], said["cost"]
    yield "Model", f"{model['name']} {model['revision']}".strip(), model["link"]
    yield "Licence", model["licence"], ""
    yield "Open weights", OPEN[model["open_weights"]], ""
    yield "Parameters", "" if model["parameters"] is None else f"{model['parameters']:,}", ""
    yield "Reads", f"query: {', '.join(model['query'])}; document: {', '.join(model['document'])}", ""
    yield "Track", model["track"], ""
    yield "Authors", ", ".join(said["authors"]), ""
    yield "Organisation", said["organisation"], ""
    yield "Paper", said["paper"], said["paper"]
    yield "Code", said["code"], said["code"]
    yield "Training data", said["training_data"], ""
    yield "Trained on this benchmark", SAW[said["saw_benchmark"]], ""
    for side in ("query", "document"):
        told = [(cost[f"{side}_{amount}"], word) for amount, word in (("ms", "ms"), ("gflop", "GFLOP"))]
        yield f"Cost of a {side}", ", ".join(f"{number:.3g} {word}" for number, word in told if number is not None), ""
    yield "Hardware", cost["hardware"], ""
    yield "Settings", ", ".join(f"{name} = {value}" for name, value in said["settings"].items()), ""
    yield "mmret", said["mmret"], ""
    yield "Notes", said["notes"], ""
