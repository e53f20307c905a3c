"""Trees of tables in all public layouts, of any size, with the defects that the public ones have."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from mmret.benchmarks import Benchmark, Draft, read_draft

LONGEST = 285_798  # characters of the longest table of NQ-TABLES
ODD_NAMES = (
    "AC/DC discography",
    '"Heroes", songs on',
    "Line, of, commas",
    "São Tomé 中文 'x'",
    "../../escape",
    "50% # & ?",
)
WORDS = ["river", "year", "team", "points", "Oslo", "Lima", "1998", "2004", "north", "album", "3.5", "gold", "won"]

Cells = list[list[str]]


def table_id(i: int) -> str:
    """Title and a hash, as NQ-TABLES names its tables: some with slashes, quotes and commas."""
    return f"{title_of(i)}_{i * 2_654_435_761 % (1 << 64):016X}"


def title_of(i: int) -> str:
    return ODD_NAMES[i] if i < len(ODD_NAMES) else f"List of things {i}"


def cells_of(i: int, characters: int) -> Cells:
    """Headers and rows of about so many characters, five columns."""
    draw = np.random.default_rng(i)
    rows = [["Name", "Place", "Year", "Points", "Note"]]
    while 5 * (len(rows) + 1) * 6 < characters:
        rows.append([f"row{len(rows)}-{i}", *WORDS[: 4 - len(rows) % 2], *draw.choice(WORDS, 4).tolist()][:5])
    return rows if len(rows) > 1 else [*rows, [f"only-{i}", "a", "b", "c", "d"]]


def nq_table(i: int, cells: Cells) -> dict[str, Any]:
    return {
        "columns": [{"text": text} for text in cells[0]],
        "rows": [{"cells": [{"text": text} for text in row]} for row in cells[1:]],
        "tableId": table_id(i),
        "documentTitle": title_of(i),
        "documentUrl": f"http://example.org/w/index.php?title={i}&oldid={i}",
        "alternativeTableIds": [],
    }


def interaction(row: int, query: str, text: str, table: dict[str, Any]) -> dict[str, Any]:
    answer = {"answerTexts": ["Oslo"]}
    return {"id": f"i{row}", "questions": [{"id": query, "originalText": text, "answer": answer}], "table": table}


def write_nq_tables(
    folder: Path,
    *,
    tables: int = 40,
    characters: int = 300,
    queries: int = 10,
    embedded: bool = False,
    broken: bool = True,
) -> Path:
    """A tree as the TAPAS repository makes it.

    With `broken`: query 0 is asked of two tables, query 1 twice of one, query 2 with two texts, query 3 of a table that
    is not there, table 9 stands twice, table 8 is empty, and table 7 has 285,798 characters.
    """
    cells = {7: [["Name"], ["x" * (LONGEST - 4)]], 8: [[""], [""]]} if broken else {}
    made = (nq_table(i, cells.get(i) or cells_of(i, characters)) for i in range(tables))
    rows = [
        interaction(i, f"dev_{i}", f"who is in table {i}?", nq_table(i, cells_of(i, characters)))
        for i in range(queries)
    ]
    if broken:
        gone = nq_table(10_000_000, cells_of(3, characters))
        rows[3] = interaction(3, "dev_3", "who is in table 3?", gone)
        rows += [
            interaction(90, "dev_0", "who is in table 0?", nq_table(11, cells_of(11, characters))),
            interaction(91, "dev_1", "who is in table 1?", nq_table(1, cells_of(1, characters))),
            interaction(92, "dev_2", "who else is in table 2?", nq_table(2, cells_of(2, characters))),
        ]
    if not embedded:
        for row in rows:
            row["table"] = {**row["table"], "columns": [], "rows": []}
        write_lines(folder / "tables" / "tables.jsonl", made)
        if broken:
            with (folder / "tables" / "tables.jsonl").open("a") as file:
                file.write(json.dumps(nq_table(9, cells_of(9, characters))) + "\n")
    write_lines(folder / "interactions" / "test.jsonl", rows)
    write_lines(folder / "interactions" / "train.jsonl", [{**row, "questions": []} for row in rows[:1]])
    return folder


def write_reissue(folder: Path, *, tables: int = 12) -> Path:
    """The re-issue in Parquet: all titles empty, a query id twice with two positives, and a dangling one."""
    texts = [f"# {title_of(i)}\n\n| Name | Place |\n| --- | --- |\n| only-{i} | Oslo |" for i in range(tables)]
    ids = [table_id(i) for i in range(tables)]
    queries = ["dev_0", "dev_1", "dev_2", "dev_0"]
    parquet(folder / "corpus_md" / "corpus-0.parquet", {"_id": ids, "title": [""] * tables, "text": texts})
    parquet(folder / "test_queries" / "test-0.parquet", {"_id": queries, "text": ["a?", "b?", "c?", "a?"]})
    labels = {"qid": queries, "did": [ids[0], ids[1], "gone_00", ids[3]], "score": [1, 1, 1, 1]}
    parquet(folder / "test_qrels" / "test-0.parquet", labels)
    parquet(folder / "train_queries" / "train-0.parquet", {"_id": ["train_0"], "text": ["d?"]})
    parquet(folder / "train_qrels" / "train-0.parquet", {"qid": ["train_0"], "did": [ids[5]], "score": [1]})
    return folder


def write_vidore(folder: Path, *, pages: int = 6) -> Path:
    """Pictures inside Parquet, ids that are numbers, labels of 0, and queries without titles."""
    images = [{"bytes": png(40 + i, 30), "path": None} for i in range(pages)]
    parquet(folder / "corpus" / "test-0-of-1.parquet", {"corpus-id": list(range(pages)), "image": images})
    parquet(folder / "queries" / "test-0-of-1.parquet", {"query-id": [0, 1], "query": ["first?", "second?"]})
    labels = {"query-id": [0, 1, 1], "corpus-id": [2, 3, 4], "score": [1, 2, 0]}
    parquet(folder / "qrels" / "test-0-of-1.parquet", labels)
    return folder


CORPUS_KEYS = {"id": "table_id", "title": "title", "ocr": "ocr", "image": "image"}
QUERY_KEYS = {"id": "qid", "text": "question", "positives": "positives"}


def write_release(
    folder: Path,
    *,
    tables: int = 8,
    shape: str = "array",
    corpus_keys: dict[str, str] | None = None,
    query_keys: dict[str, str] | None = None,
    tar: bool = False,
) -> Path:
    """TaR-ViR as uploaded, under keys of one's own; `shape` is "array", "keyed" or "lines"."""
    corpus_keys, query_keys = corpus_keys or CORPUS_KEYS, query_keys or QUERY_KEYS
    ids = [f"{table_id(i)}_{i % 3}" for i in range(tables)]
    rows = [
        {"id": name, "title": title_of(i), "ocr": f"Name | Place\nonly-{i} | Oslo", "image": f"{name}.png"}
        for i, name in enumerate(ids)
    ]
    corpus = [{corpus_keys[key]: value for key, value in row.items() if key in corpus_keys} for row in rows]
    queries = [{"id": f"q{i}", "text": f"who is in {i}?", "positives": [ids[i]]} for i in range(3)]
    asked = [{query_keys[key]: value for key, value in row.items() if key in query_keys} for row in queries]
    write_shaped(folder / "eval" / "corpus_abs_with_ocr.json", corpus, shape, ids)
    write_shaped(folder / "eval" / "test.json", asked, shape, [row["id"] for row in queries])
    triplets = [{query_keys["text"]: "who?", query_keys["positives"]: ids[5]}]
    write_shaped(folder / "train" / "train_triplet_abs_ocr_with_image.json", triplets, "array", [])
    sidecar = {name: {"headers": ["Name", None], "rows": [[f"only-{i}", 3]], "url": "u"} for i, name in enumerate(ids)}
    (folder / "tables.json").write_text(json.dumps(sidecar | {"another_0": {"headers": [], "rows": [], "url": ""}}))
    write_pictures(folder, ids, tar=tar)
    return folder


def write_mini(folder: Path, *, tables: int = 6) -> Path:
    """mmret's own layout: HTML, OCR text and pictures of all three sizes, labels with provenance."""
    sizes = [(300, 200), (1200, 900), (1920, 1100)]
    ids = [table_id(i) for i in range(tables)]
    (folder / "images").mkdir(parents=True)
    for i in range(tables):
        (folder / "images" / f"{i:05d}.png").write_bytes(png(*sizes[i % 3]))
    about = {"layout": "tables", "name": "own", "version": "3", "title": "Own tables", "licence": "CC0-1.0"}
    (folder / "benchmark.json").write_text(json.dumps(about))
    rows = [
        {
            "_id": ids[i],
            "title": title_of(i),
            "html": f"<table><tr><th colspan=2>Both</th></tr><tr><th>Name</th><th>Flag</th></tr>"
            f'<tr><td>only-{i}</td><td><img alt="flag" src="x.png"></td></tr></table>'
            if i % 2 == 0
            else f"<table><tr><th>Name</th><th>Place</th></tr><tr><td>only-{i}</td><td>Oslo</td></tr></table>",
            "ocr": f"Name Place\nonly-{i} 0slo",
            "image": f"images/{i:05d}.png",
        }
        for i in range(tables)
    ]
    write_lines(folder / "corpus.jsonl", rows)
    queries = [{"_id": f"q{i}", "text": f"who is in {i}?", "labels": ["easy words"] * (i == 0)} for i in range(3)]
    write_lines(folder / "queries.jsonl", queries)
    judges = ["human", "model:some-llm", "scan", "inherited"]
    labels = [("q0", 0, 0), ("q0", 3, 1), ("q1", 1, 1), ("q2", 2, 2)]
    lines = ["query-id\tcorpus-id\tscore\tprovenance"]
    lines += [f"{query}\t{ids[i]}\t1\t{judges[judge]}" for query, i, judge in labels]
    (folder / "qrels").mkdir()
    (folder / "qrels" / "test.tsv").write_text("\n".join(lines) + "\n")
    return folder


def write_shaped(path: Path, rows: Sequence[dict[str, Any]], shape: str, keys: Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if shape == "lines":
        write_lines(path, rows)
    elif shape == "keyed":
        path.write_text(json.dumps(dict(zip(keys, rows, strict=True))))
    else:
        path.write_text(json.dumps(list(rows), indent=1))


def write_pictures(folder: Path, names: Sequence[str], *, tar: bool) -> None:
    """`{name}.png`, in folders where a name holds slashes, or in a tar."""
    if tar:
        with tarfile.open(folder / "images.tar", "w") as archive:
            for i, name in enumerate(names):
                content = png(60 + i, 40)
                info = tarfile.TarInfo(f"images/{name.replace('../', '')}.png")
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        return
    for i, name in enumerate(names):
        path = folder / "images" / f"{name.replace('../', '')}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(60 + i, 40))


def png(width: int, height: int) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (width, height), (width % 256, height % 256, 90)).save(content, "PNG")
    return content.getvalue()


def parquet(path: Path, columns: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)


def write_lines(path: Path, rows: Sequence[dict[str, Any]] | Iterator[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def draft(folder: Path, **options: object) -> Draft:
    made = read_draft(str(folder), **options)
    assert isinstance(made, Draft)
    return made


def kinds(made: Draft) -> dict[str, int]:
    found = [fault.kind for fault in made.faults]
    return {kind: found.count(kind) for kind in found}


def gold(benchmark: Benchmark) -> dict[str, list[str]]:
    return {
        query.id: sorted(benchmark.documents[p].id for p in benchmark.positives[i])
        for i, query in enumerate(benchmark.queries)
    }
