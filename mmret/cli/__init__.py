"""The command `mmret`: parse, call one function, print."""

from __future__ import annotations

import sys

import typer

from ..errors import MmretError
from . import (
    annotate,
    benchmarks,
    board,
    board_admin,
    board_serve,
    cache,
    captions,
    explore,
    fuse,
    labels,
    matrix,
    models,
    ocr,
    render,
    report,
    runs,
    submit,
    sweep,
)
from .common import note
from .evaluate import evaluate_model

app = typer.Typer(
    help="Benchmarks for multimodal retrieval: which encoder finds the right video or table, and by how much?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("eval")(evaluate_model)
for command in (runs.score, runs.convert, runs.compare, runs.export, fuse.fuse, fuse.rerank, labels.review):
    app.command()(command)
app.command()(matrix.matrix)
app.command()(render.render)
app.command()(ocr.ocr)
app.command()(sweep.perturb)
app.command()(sweep.sweep)
benchmarks.app.command()(labels.leaks)
benchmarks.app.command()(labels.duplicates)
app.command()(explore.explore)
app.command()(report.report)
board.app.command()(board_serve.serve)
board.app.command()(board_admin.moderate)
board.app.command()(board_admin.rescore)
board.app.command()(board_admin.export)
board.app.command()(board_admin.verify)
board.app.command()(board_admin.backup)
board.app.command("import")(board_admin.import_tables)
app.add_typer(benchmarks.app, name="benchmarks")
app.add_typer(models.app, name="models")
app.add_typer(captions.app, name="captions")
app.add_typer(cache.app, name="cache")
app.add_typer(submit.app, name="submit")
app.add_typer(board.app, name="board")
app.add_typer(annotate.app, name="annotate")


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
