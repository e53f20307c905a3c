"""Evaluate the models that need no hub on tarvir-mini in all views, and write their tables into docs: `make tables`."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import marks

from mmret.benchmarks import Sources, load_benchmark
from mmret.benchmarks.tarvir import open_corpus
from mmret.evaluation import Cell, Settings, all_views, run_matrix
from mmret.paths import shipped_folder
from mmret.pipelines.ocr import read_pictures
from mmret.pipelines.render import Document, render
from mmret.pipelines.render import Settings as RenderSettings

BENCH = "tarvir-mini"
MODELS = ("bm25", "text", "tagbridge")
MEASURES = ("R@1", "R@10", "nDCG@5", "MRR@5")
SAMPLE = 12  # tables that are drawn and read for their cost


def scores(cells: Sequence[Cell], measure: str) -> str:
    """One row a view, one column a model: the measure with its interval."""
    lines = [
        f"| title | content | {' | '.join(f'`{model}`' for model in MODELS)} |",
        "|---|---|" + "---|" * len(MODELS),
    ]
    for view in dict.fromkeys(cell.view for cell in cells):
        row = [_score(cell, measure) for cell in cells if cell.view == view]
        lines.append(f"| {view.title} | {view.content} | {' | '.join(row)} |")
    return "\n".join(lines)


def _score(cell: Cell, measure: str) -> str:
    if cell.result is None:
        return "not run"
    return marks.cell(next(iter(cell.result.record["scores"].values()))["all"][measure])


def costs(cells: Sequence[Cell]) -> str:
    """What a table and a question cost each model in three views."""
    lines = [
        "| model | content | ms a table | GFLOP a table | ms a question | bytes a vector | tables cut |",
        "|---|---|---|---|---|---|---|",
    ]
    for model in MODELS:
        for content in ("native", "ocr", "image"):
            cell = next(c for c in cells if (c.model, c.view.title, c.view.content) == (model, "text", content))
            if cell.result is not None:
                lines.append(f"| `{model}` | {content} | {' | '.join(_cost(cell.result.record))} |")
    return "\n".join(lines)


def _cost(record: Mapping[str, Any]) -> list[str]:
    items, stages = record["cost"]["item"], record["cost"]["stages"]
    if not items:  # words are looked up: no vectors
        score, index = stages["score"], stages["index"]
        return [
            f"{1000 * index['seconds'] / index['items']:.2f} to index",
            "–",
            f"{1000 * score['seconds'] / score['items']:.2f}, all tables",
            "–",
            "none",
        ]
    table, question = (
        sum(items[side][stage]["seconds"] for stage in ("decode", "caption", "embed")) for side in ("document", "query")
    )
    flops, cut = items["document"]["embed"]["flops"], record["cut"]["document"]
    return [
        f"{1000 * table:.0f}",
        "–" if flops is None else f"{flops / 1e9:.1f}",
        f"{1000 * question:.0f}",
        f"{items['document']['bytes']:,.0f}",
        f"{100 * cut['cut'] / cut['texts']:.0f} %",
    ]


def makings() -> str:
    """Seconds to draw a table and to read its picture, and the bytes of each form."""
    records = list(open_corpus(shipped_folder(BENCH), Sources()).records())
    chosen = records[:: len(records) // SAMPLE][:SAMPLE]
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        documents = [Document(record.id, record.native.source) for record in chosen if record.native is not None]
        render(documents, Path(folder) / "drawn", RenderSettings(), show=False)
        drawing = (time.perf_counter() - start) / len(chosen)
        start = time.perf_counter()
        paths = [record.image.path for record in chosen if record.image is not None]
        read = [one for one in read_pictures(paths, cache=Path(folder)) if one.page is not None]
        reading = (time.perf_counter() - start) / len(read)
    sizes = {
        "HTML": [len(record.native.source.encode()) for record in records if record.native is not None],
        "OCR text": [len((record.ocr or "").encode()) for record in records],
        "picture": [record.image.path.stat().st_size for record in records if record.image is not None],
    }
    bytes_of = ", ".join(f"{name} {sum(some) / len(some):,.0f}" for name, some in sizes.items())
    return (
        f"Making the views, by the clock, start included, {SAMPLE} tables: drawing {drawing:.2f} s a table, "
        f"reading a picture {reading:.2f} s. Mean bytes a table: {bytes_of}."
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Evaluate all and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--print", action="store_true", help="print the tables and leave the page alone")
    options = parser.parse_args(arguments)
    settings = Settings(measures=MEASURES)
    cells = list(
        run_matrix(lambda view: load_benchmark(BENCH, view=str(view)), MODELS, all_views(), settings, show=True)
    )
    for cell in cells:
        if cell.reason:
            print(f"not run: {cell.model} {cell.view}: {cell.reason}")
    for measure in MEASURES:
        print(f"\n{measure}\n{scores(cells, measure)}")
    text = f"R@10, percent with 95 % interval:\n\n{scores(cells, 'R@10')}\n\n{costs(cells)}\n\n{makings()}"
    print(f"\n{text}")
    if not options.print:
        marks.write("tables.md", "tables", "make tables", text)


if __name__ == "__main__":
    main()
