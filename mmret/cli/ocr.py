"""`mmret ocr`: pictures of tables to text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .common import Cache, Json, OnRay, new_table, note, show, show_json

if TYPE_CHECKING:
    from rich.table import Table

    from ..pipelines.ocr import Summary


def ocr(
    pictures: Annotated[
        Path,
        typer.Argument(help="Folder of pictures, manifest of `mmret render`, or folder with corpus.jsonl."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="JSON lines to write, one a picture.")],
    engine: Annotated[
        str, typer.Option(help="Who reads: rapidocr, tesseract[:LANGUAGES] or endpoint:MODEL@ADDRESS.")
    ] = "rapidocr",
    workers: Annotated[int | None, typer.Option(min=1, help="Reading processes. Default: one for each core.")] = None,
    against: Annotated[
        Path | None, typer.Option(help="File corpus.jsonl with native tables as html: how far the text is from them.")
    ] = None,
    time_limit: Annotated[float, typer.Option(min=1, help="Seconds that one picture may take.")] = 600.0,
    ray: OnRay = None,
    cache: Cache = None,
    as_json: Json = False,
) -> None:
    """Read pictures of tables; what was read is kept in the cache, and a run that was stopped goes on."""
    from ..errors import RunError
    from ..pipelines.ocr import run_ocr

    summary = run_ocr(
        pictures,
        output,
        engine=engine,
        workers=workers,
        against=against,
        cache=cache,
        time_limit=time_limit,
        ray=ray,
        show=True,
    )
    failed = len(summary.failed)
    note(
        f"{summary.pictures:,} pictures: {summary.read:,} read, {summary.known:,} known, {failed:,} failed; "
        f"{summary.without_text:,} without text, {summary.cut:,} cut short; {summary.seconds:.2f} s a picture"
    )
    if as_json and against is not None:
        show_json(summary.distances)
    elif against is not None:
        show(_distances(summary))
    for name, fault in summary.failed.items():
        note(f"{name}: {fault}")
    if failed:
        raise RunError(f"{failed:,} of {summary.pictures:,} pictures could not be read; the others are in {output}")


def _distances(summary: Summary) -> Table:
    """Figure × mean, interval, median."""
    names = {"cer": "character error rate", "cells": "cells found", "words": "words found"}
    table = new_table(
        ("figure", "n", "mean", "interval", "median"),
        ("figure",),
        title="against the native text",
        caption="percent with 95 % interval over pages",
    )
    for name, entry in summary.distances.items():
        mean, middle, *bounds = (f"{100 * x:.2f}" for x in (entry["mean"], entry["median"], *entry["interval"]))
        table.add_row(names[name], str(entry["n"]), mean, " – ".join(bounds), middle)
    return table
