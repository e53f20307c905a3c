"""The command `mmret`: parse, call one function, print."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ..errors import MmretError
from .common import note
from .configured import origin
from .lazy import LazyCommand, Place

COMMANDS = {
    "eval": Place("evaluate:evaluate_model", "Evaluate a model on a benchmark."),
    "score": Place("runs:score", "Score a run file against judgements or a benchmark."),
    "convert": Place("runs:convert", "Convert a run between Parquet and TREC's six columns."),
    "compare": Place("runs:compare", "Compare results on the same queries: paired tests, effects, and groups of rank."),
    "export": Place("runs:export", "Print a result as Markdown, LaTeX, CSV or JSON of mteb."),
    "fuse": Place(
        "fuse:fuse",
        "Fuse runs into one, by reciprocal ranks, by summed scores, or routed by query; `mmret score` scores it.",
    ),
    "rerank": Place(
        "fuse:rerank",
        "Put the top of a run in order by a second scorer, and show what each stage and a perfect one reach.",
    ),
    "review": Place(
        "labels:review", "List likely false negatives: documents that several systems put above the right ones."
    ),
    "matrix": Place(
        "matrix:matrix",
        "Evaluate models under each view of tables: title and content as text, as a picture, or not at all.",
    ),
    "render": Place("render:render", "Draw tables and pages as PNG files; what is drawn already stays."),
    "ocr": Place(
        "ocr:ocr", "Read pictures of tables; what was read is kept in the cache, and a run that was stopped goes on."
    ),
    "perturb": Place(
        "sweep:perturb",
        "Write a disturbed copy of a corpus of tables, for the view it is shown in; one that was stopped goes on.",
    ),
    "sweep": Place(
        "sweep:sweep", "Measure what a model loses where titles, rows, columns and pictures of tables are disturbed."
    ),
    "explore": Place("explore:explore", "See and hear what systems answered: a page on this machine, until Ctrl-C."),
    "report": Place(
        "report:report",
        "Write one file that opens offline: figures, and the most telling queries with pictures and sound.",
    ),
    "benchmarks": Place("benchmarks:app", "List, show, fetch and check benchmarks."),
    "models": Place("models:app", "List and show models, and start one of your own."),
    "captions": Place("captions:app", "Show what captioners wrote about sounds."),
    "cache": Place("cache:app", "List, check and clear what is kept of vectors, captions and pages."),
    "submit": Place("submit:app", "Pack, check and send runs for a leaderboard."),
    "board": Place("board:app", "Run a leaderboard."),
    "annotate": Place("annotate:app", "Make a benchmark of composed video retrieval from a folder of videos."),
    "doctor": Place("doctor:doctor", "Check what is installed, what can run here, and which settings are in force."),
}
"""All commands, in the order in which the help shows them."""


class Commands(TyperGroup):
    """The commands of mmret, each imported when it is used."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings | {"commands": {name: LazyCommand(name, COMMANDS[name]) for name in COMMANDS}})

    def invoke(self, ctx: Any) -> Any:
        """Go on with the command; a faulty value that was not given here is said to come from where it does."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message += origin(error)
            raise


app = typer.Typer(
    cls=Commands,
    help="Benchmarks for multimodal retrieval: which encoder finds the right video or table, and by how much?",
    epilog="Options that are not given are taken from variables such as MMRET_EVAL_SEED, then from mmret.toml.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # what draws boxes takes longer to import than all else
)


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"mmret {version('mmret')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options of mmret itself."""


def main() -> None:
    """Entry point: exit code 0 for a result, 1 for a failed run, 2 for misuse, 130 when interrupted."""
    try:
        app()
    except MmretError as error:
        note(f"mmret: {error}")
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except SystemExit as stop:
        if stop.code == 130:  # typer's for Ctrl-C
            note("mmret: interrupted; what was done is kept, run the same command to go on")
        raise
