"""`mmret render`: tables and pages to pictures."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from ..errors import InputError, RunError, first_ten
from .common import Json, OnRay, note, show_mapping


def render(
    inputs: Annotated[list[Path], typer.Argument(help="HTML, CSV, Parquet, JSON lines, PDF, or folders of them.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for images and manifest.jsonl.")],
    engine: Annotated[
        str, typer.Option(help="Who draws tables: chromium, or weasyprint without a browser.")
    ] = "chromium",
    style: Annotated[str, typer.Option(help="Look of tables: plain, wikipedia, dark or latex.")] = "plain",
    viewport: Annotated[str, typer.Option(help="Width and height of the browser's window in CSS pixels.")] = "1280x800",
    scale: Annotated[float, typer.Option(help="Pixels for each CSS pixel.")] = 1.0,
    dpi: Annotated[int, typer.Option(help="Resolution of PDF pages.")] = 150,
    pages: Annotated[int | None, typer.Option(help="Documents drawn at a time. Default: one for each core.")] = None,
    time_limit: Annotated[float, typer.Option(help="Seconds that one document may take.")] = 60.0,
    max_pixels: Annotated[int, typer.Option(help="Larger pictures are refused, never cut.")] = 89_000_000,
    browser: Annotated[Path | None, typer.Option(help="Path of Chromium or Chrome. Default: searched.")] = None,
    ray: OnRay = None,
    assets: Annotated[Path | None, typer.Option(help="Folder of pictures that tables name by relative paths.")] = None,
    as_json: Json = False,
) -> None:
    """Draw tables and pages as PNG files; what is drawn already stays."""
    from ..pipelines.render import Settings, read_documents
    from ..pipelines.render import render as render_all

    sides = re.fullmatch(r"(\d+)x(\d+)", viewport)
    if not sides:
        raise InputError(f"--viewport {viewport!r}: give width and height as in 1280x800")
    settings = Settings(
        engine=engine,
        style=style,
        viewport=(int(sides[1]), int(sides[2])),
        scale=scale,
        dpi=dpi,
        pages=pages,
        time_limit=time_limit,
        max_pixels=max_pixels,
        browser=browser,
        ray=ray,
        assets=assets,
    )
    report = render_all(read_documents(inputs), output, settings, show=True)
    for name, reason in report.failed.items():
        note(f"failed: {name}: {reason}")
    if report.several:
        note(f"several tables, of which the first was drawn: {first_ten(report.several)}")
    if report.refused:
        note(f"with addresses that were not loaded (see `refused` in the manifest): {first_ten(report.refused)}")
    counts = {"drawn": report.drawn, "kept": report.kept, "failed": len(report.failed)}
    show_mapping({**counts, "manifest": str(output / "manifest.jsonl")}, as_json=as_json)
    if report.failed:
        raise RunError(f"{len(report.failed):,} documents could not be drawn; the others are in {output}")
