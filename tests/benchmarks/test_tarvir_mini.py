"""tarvir-mini as it is shipped: what it promises is counted, and every gold table proven anew, from its files alone."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import mmret
from mmret.benchmarks import load_benchmark
from mmret.evaluation import oracle_vectors, score_vectors
from mmret.tables import Table
from scripts.tarvir_mini.proofs import Fact, Scanned, find, needs, normalise

PACKAGE = Path(mmret.__file__).parent
FOLDER = PACKAGE / "benchmarks" / "data" / "tarvir-mini"
CARD = PACKAGE / "data_cards" / "tarvir-mini.md"
SCRIPTS = PACKAGE.parent / "scripts" / "tarvir_mini"
WINDOW = 1920 * 1080
MAX_BYTES = 15_000_000


def read_lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / name).read_text(encoding="utf-8").splitlines()]


@cache
def corpus() -> dict[str, dict[str, Any]]:
    return {row["_id"]: row for row in read_lines("corpus.jsonl")}


@cache
def tables() -> dict[str, Scanned]:
    return {name: Scanned(Table.from_html(row["html"], row["title"])) for name, row in corpus().items()}


@cache
def gold() -> dict[str, set[str]]:
    with (FOLDER / "qrels" / "test.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert {(row["score"], row["provenance"]) for row in rows} == {("1", "scan")}
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row["query-id"], set()).add(row["corpus-id"])
    return found


def band(row: dict[str, Any]) -> str:
    with Image.open(FOLDER / row["image"]) as picture:
        picture.load()
        windows = picture.width * picture.height / WINDOW
    return "easy" if windows < 0.25 else "medium" if windows <= 1 else "hard"


def facts_of(proof: dict[str, Any]) -> list[Fact]:
    return [Fact(fact["cell"], tuple(fact["terms"])) for fact in proof["facts"]]


def test_there_are_enough_tables_of_each_sort() -> None:
    assert len(corpus()) == len(read_lines("corpus.jsonl")) >= 200
    merged = pictured = 0
    for scanned in tables().values():
        cells = [cell for row in scanned.table.rows for cell in row]
        merged += scanned.table.header_depth > 1 or any(cell.rows > 1 or cell.columns > 1 for cell in cells)
        pictured += any(cell.pictures for cell in cells)
    assert merged >= 60
    assert pictured >= 40


def test_every_picture_opens_and_all_bands_of_area_are_filled() -> None:
    bands = Counter(band(row) for row in corpus().values())
    assert min(bands["easy"], bands["medium"], bands["hard"]) >= 20
    written = CARD.read_text(encoding="utf-8")
    for name in ("easy", "medium", "hard"):
        assert f"{bands[name]} {name}" in written


def test_no_two_tables_are_the_same() -> None:
    pictures = [hashlib.sha256((FOLDER / row["image"]).read_bytes()).digest() for row in corpus().values()]
    assert len(set(pictures)) == len(pictures)
    assert len({row["html"] for row in corpus().values()}) == len(corpus())
    assert len({row["title"] for row in corpus().values()}) == len(corpus())


def test_every_table_has_a_title_html_and_text_that_was_read() -> None:
    for row in corpus().values():
        assert row["title"]
        assert row["sources"]
        assert len(row["ocr"]) > 10
        assert sum(len(cells) for cells in tables()[row["_id"]].grid) > 3


def test_pictures_in_cells_are_files_of_the_folder_and_none_is_left_over() -> None:
    named = {name for row in corpus().values() for name in re.findall(r'src="([^"]+)"', row["html"])}
    assert named == {f"assets/{path.name}" for path in (FOLDER / "assets").iterdir()}
    assert {row["image"] for row in corpus().values()} == {
        f"images/{path.name}" for path in (FOLDER / "images").iterdir()
    }


def test_questions_are_many_different_and_of_several_sorts() -> None:
    queries = read_lines("queries.jsonl")
    assert len(queries) >= 150
    assert (
        len({query["_id"] for query in queries}) == len({normalise(query["text"]) for query in queries}) == len(queries)
    )
    labels = Counter(label for query in queries for label in query["labels"])
    assert min(labels["needs-content"], labels["needs-title"], labels["needs-picture"]) >= 20
    assert len([label for label in labels if not label.startswith("needs-")]) >= 5


def test_no_question_names_a_table_or_repeats_a_title() -> None:
    titles = {normalise(row["title"]) for row in corpus().values()}
    for query in read_lines("queries.jsonl"):
        words = set(re.findall(r"\w+", query["text"]))
        assert not words & corpus().keys()
        assert normalise(query["text"]) not in titles


def test_the_scan_over_all_cells_finds_the_gold_tables_and_no_other() -> None:
    labels = {query["_id"]: query["labels"] for query in read_lines("queries.jsonl")}
    proofs = read_lines("proofs.jsonl")
    assert [proof["query"] for proof in proofs] == list(labels)
    assert gold().keys() == labels.keys()
    for proof in proofs:
        facts = facts_of(proof)
        assert facts, proof["query"]
        found = find(facts, tables())
        assert 1 <= len(found) <= 3, proof["query"]
        assert set(found) == gold()[proof["query"]] == set(proof["tables"]), proof["query"]
        assert labels[proof["query"]][1] == f"needs-{needs(facts, (tables()[name] for name in found))}"


def test_the_scan_needs_the_cell_where_it_stands() -> None:
    html = "<table><tr><th>City</th><th>People</th></tr><tr><td>Oslo</td><td>1,000</td></tr></table>"
    moved = html.replace("Oslo", "Bergen") + "<p>Oslo</p>"
    scanned = {"right": Scanned(Table.from_html(html, "Norway")), "other": Scanned(Table.from_html(moved, "Norway"))}
    assert find([Fact("1000", ("oslo", "People"))], scanned) == ["right"]
    assert find([Fact("1000", ("Norway",))], scanned) == ["right", "other"]
    assert find([Fact("1001", ("Oslo",))], scanned) == []
    assert find([Fact("Oslo", ("Oslo",))], scanned) == []
    assert needs([Fact("1,000", ("Norway",))], scanned.values()) == "title"


def test_the_whole_stays_within_its_size() -> None:
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) <= MAX_BYTES


def test_the_card_and_the_recipe_name_every_source() -> None:
    sources = json.loads((SCRIPTS / "recipe.json").read_text(encoding="utf-8"))["sources"]
    used = {name for row in corpus().values() for name in row["sources"]}
    assert used == sources.keys()
    card = CARD.read_text(encoding="utf-8")
    for source in sources.values():
        for value in (source.get("requirement", ""), source["files"], source["licence"], source["attribution"]):
            assert value in card


def test_the_settings_say_how_the_files_were_made() -> None:
    about = json.loads((FOLDER / "benchmark.json").read_text(encoding="utf-8"))
    assert about["layout"] == "tables"
    assert about["name"] == "tarvir-mini"
    assert about["renderer"].startswith("chromium ")
    assert about["ocr"].startswith("rapidocr ")


def test_the_oracle_scores_100_in_every_view() -> None:
    measures = ("Success@1", "R@10", "MRR", "nDCG@5")
    for view in ("title=text,content=native", "title=none,content=image"):
        benchmark = load_benchmark("tarvir-mini", view=view)
        for summary in score_vectors(benchmark, *oracle_vectors(benchmark), measures=measures).values():
            for entry in summary.scores.values():
                for name in measures:
                    assert entry[name]["value"] == entry[name]["pessimistic"] == pytest.approx(1, abs=1e-12)


def test_random_vectors_score_the_expectation() -> None:
    benchmark = load_benchmark("tarvir-mini", view="title=text,content=native")
    found = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        vectors = (
            rng.standard_normal((len(items), 16), np.float32) for items in (benchmark.queries, benchmark.documents)
        )
        entry = score_vectors(benchmark, *vectors, measures=("R@10",))["global"].scores["all"]["R@10"]
        found.append(entry["value"])
        assert entry["random"] == pytest.approx(10 / 321)
    assert np.mean(found) == pytest.approx(10 / 321, abs=0.008)  # 4,940 queries: a standard error of 0.0025
