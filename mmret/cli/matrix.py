"""`mmret matrix`: the same tables as text, as pictures and as both, side by side."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .common import (
    BenchOption,
    Cache,
    Data,
    Device,
    Dtype,
    FieldMap,
    Json,
    Limit,
    Measures,
    Split,
    model_names,
    new_table,
    note,
    show,
    show_json,
)

if TYPE_CHECKING:
    from rich.table import Table

    from ..evaluation import Cell

MEASURES = ["R@1", "R@10", "nDCG@5", "MRR@5"]


def matrix(
    models: Annotated[
        list[str],
        typer.Option("--model", "-m", help="Name of a model; repeat for several.", autocompletion=model_names),
    ],
    bench: BenchOption = "tarvir-mini",
    views: Annotated[
        list[str] | None,
        typer.Option("--view", help="View, such as title=text,content=image; repeat for several. Default: all pairs."),
    ] = None,
    serialiser: Annotated[str, typer.Option(help="How native cells become text, for the default views.")] = "markdown",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for the results, one folder a cell.")
    ] = None,
    data: Data = None,
    field_map: FieldMap = None,
    split: Split = None,
    measure: Measures = None,
    limit: Limit = None,
    device: Device = "auto",
    dtype: Dtype = "float32",
    cache: Cache = None,
    as_json: Json = False,
) -> None:
    """Evaluate models under each view of tables: title and content as text, as a picture, or not at all."""
    from ..benchmarks import load_benchmark
    from ..benchmarks.tarvir import View
    from ..evaluation import Settings, all_views, run_matrix

    measures = tuple(measure or MEASURES)
    settings = Settings(measures=measures, limit=limit, device=device, dtype=dtype, cache=cache)
    wanted = [View.parse(text) for text in views] if views else all_views(serialiser)
    cells = []
    for cell in run_matrix(
        lambda view: load_benchmark(bench, data, cache=cache, view=str(view), field_map=field_map, split=split),
        models,
        wanted,
        settings,
        show=True,
    ):
        cells.append(cell)
        if cell.result is not None and output is not None:
            cell.result.save(output / re.sub(r"[^\w.=,+-]+", "_", f"{cell.model} {cell.view}"))
        note(f"{cell.model} {cell.view}: {cell.reason or 'done'}")
    if as_json:
        show_json([_plain(cell) for cell in cells])
    else:
        show(_table(cells, measures, f"{bench}: what is shown of a table"))


def _plain(cell: Cell) -> dict[str, Any]:
    found = {"view": str(cell.view), "model": cell.model}
    if cell.result is None:
        return found | {"not run": cell.reason}
    record = cell.result.record
    return found | {name: record[name] for name in ("scores", "cost", "cut")}


def _table(cells: Sequence[Cell], measures: Sequence[str], title: str) -> Table:
    """View × model, each value above its interval; a cell that no result stands behind says so."""
    from .tables import value_cell

    left = ("title", "content", "model")
    headings = (*left, *measures, "cut", "ms a table")
    table = new_table(headings, left, title=title, caption="percent with 95 % interval")
    for cell in cells:
        named = (cell.view.title, cell.view.content, cell.model)
        if cell.result is None:
            table.add_row(*named, "not run", style="dim")
            continue
        record = cell.result.record
        scores = next(iter(record["scores"].values()))["all"]
        table.add_row(*named, *(value_cell(name, scores[name]) for name in measures), *_cost(record))
    return table


def _cost(record: Mapping[str, Any]) -> tuple[str, str]:
    """Share of tables whose text is not read to its end, and milliseconds to embed one."""
    cut, cost = record["cut"].get("document"), record["cost"]["item"].get("document")
    stages = [cost[stage]["seconds"] for stage in ("decode", "caption", "embed")] if cost else []
    return (
        f"{100 * cut['cut'] / cut['texts']:.0f} %" if cut else "–",
        f"{1000 * sum(stages):.1f}" if stages else "–",
    )
