"""Tables in every public layout, generated with the defects that the public ones have."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mmret.benchmarks import Exclusions, load_benchmark, read_draft, verify
from mmret.errors import InputError, RunError
from mmret.evaluation import Settings, evaluate
from mmret.media import Preflight, Workers

from .tarvir_files import (
    LONGEST,
    ODD_NAMES,
    draft,
    gold,
    kinds,
    parquet,
    png,
    table_id,
    title_of,
    write_lines,
    write_mini,
    write_nq_tables,
    write_reissue,
    write_vidore,
)

NATIVE = "title=text,content=native"


def test_nq_tables_loads_with_every_defect_named(tmp_path: Path) -> None:
    made = draft(write_nq_tables(tmp_path / "nq"))
    assert kinds(made) == {
        "query ids given twice": 2,
        "query id with two questions": 1,
        "positive is no table": 1,
        "table is empty": 1,
        "document ids given twice": 1,
    }
    text = "\n".join(fault.where for fault in made.faults)
    for words in (
        "test.jsonl:11: query 'dev_0' is given again",
        "test.jsonl:13: 'dev_2' asks 'who else is in table 2?' here and 'who is in table 2?' before",
        "test.jsonl:4: positive 'List of things 10000000_",
        f"table {table_id(8)!r}: table is empty",
    ):
        assert words in text
    benchmark = made.benchmark()
    assert len(benchmark.documents) == 40
    assert gold(benchmark)["dev_0"] == sorted([table_id(0), table_id(11)])  # asked of two tables, and both count
    assert gold(benchmark)["dev_1"] == [table_id(1)]
    assert not {"dev_2", "dev_3"} & set(gold(benchmark))
    by_id = {item.id: item for item in benchmark.documents}
    assert len(by_id[table_id(7)].text or "") >= LONGEST
    for i, name in enumerate(ODD_NAMES):
        assert (by_id[table_id(i)].text or "").startswith(f"{name}\n| Name | Place | Year | Points | Note |")


def test_a_list_of_exclusions_lets_faulty_tables_be_evaluated(tmp_path: Path, workers: Workers) -> None:
    folder = write_nq_tables(tmp_path / "nq")
    with pytest.raises(
        InputError, match=r"mmret benchmarks verify nq-tables --data .*nq --view title=text,content=nat"
    ):
        load_benchmark("nq-tables", folder, view=NATIVE)
    found = verify(draft(folder), Preflight(workers, tmp_path / "preflight.jsonl"), show=False)
    assert found.faulty
    found.excluded.save(folder / "exclusions.json", found.digest)
    assert len(load_benchmark("nq-tables", folder, view=NATIVE).queries) == 8
    # Another view shows the same labels: the same list holds.
    assert load_benchmark("nq-tables", folder, view="title=text,content=none").excluded == found.excluded


def test_a_fault_that_leaves_no_query_out_can_be_gone_on_with(tmp_path: Path, workers: Workers) -> None:
    folder = write_mini(tmp_path / "own")
    (folder / "images" / "00005.png").unlink()
    with pytest.raises(InputError, match="picture is missing"):
        load_benchmark(str(folder))
    found = verify(draft(folder), Preflight(workers, tmp_path / "preflight.jsonl"), show=False)
    assert found.faulty
    assert [one["id"] for one in found.excluded.documents] == [table_id(5)]
    found.excluded.save(folder / "exclusions.json", found.digest)
    named = evaluate(load_benchmark(str(folder), view=NATIVE), "bm25", Settings()).record["excluded"]["documents"]
    assert named == found.excluded.documents  # in a view of no pictures, too
    Exclusions().save(folder / "exclusions.json", found.digest)
    assert len(load_benchmark(str(folder)).queries) == 3


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("qrels/test.tsv", "\t1\tscan", "\tnan\tscan", r"test\.tsv:5: the score 'nan' is no number"),
        ("queries.jsonl", '"q1"', '""', r"queries\.jsonl:2: '_id' must not be empty"),
        ("queries.jsonl", "who is in 1?", " ", r"queries\.jsonl:2: 'q1' asks nothing"),
    ],
)
def test_labels_without_a_grade_a_name_or_words_are_named(
    file: str, old: str, new: str, words: str, tmp_path: Path
) -> None:
    path = write_mini(tmp_path / "own") / file
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(InputError, match=words):
        load_benchmark(str(tmp_path / "own"))


def test_tables_may_be_embedded_in_their_interactions(tmp_path: Path) -> None:
    joined = draft(write_nq_tables(tmp_path / "joined", tables=5, queries=5, broken=False)).benchmark()
    embedded = draft(write_nq_tables(tmp_path / "embedded", queries=5, embedded=True, broken=False)).benchmark()
    assert [item.text for item in joined.documents] == [item.text for item in embedded.documents]
    assert joined.digest == embedded.digest
    rows = [json.loads(line) for line in (tmp_path / "embedded/interactions/test.jsonl").read_text().splitlines()]
    rows[1]["table"] = {**rows[0]["table"], "columns": [{"text": "Other"}]}
    write_lines(tmp_path / "embedded/interactions/test.jsonl", rows)
    assert "table embedded with different cells" in kinds(draft(tmp_path / "embedded"))


def test_splits_are_named_and_have_lists_of_their_own(tmp_path: Path) -> None:
    folder = write_nq_tables(tmp_path / "nq", broken=False)
    write_lines(folder / "interactions" / "dev.jsonl", [])
    with pytest.raises(InputError, match=r"no split 'val'; there are dev, test, train"):
        read_draft(str(folder), split="val")
    with pytest.raises(InputError, match=r"no query"):
        load_benchmark(str(folder), split="train")
    reissue = write_reissue(tmp_path / "reissue")
    train = load_benchmark(str(reissue), split="train")
    assert train.name == "reissue-train"
    assert gold(train) == {"train_0": [table_id(5)]}


@pytest.mark.parametrize(
    ("path", "line", "words"),
    [
        ("tables/tables.jsonl", '{"tableId": "a", "rows": ["x"]}', r"tables\.jsonl:41: 'columns' must hold cells"),
        (
            "tables/tables.jsonl",
            '{"table": "a"}',
            r"tables\.jsonl:41: the table has no 'tableId'; its fields are table",
        ),
        (
            "tables/tables.jsonl",
            '{"tableId": "a", "rows": [{"cells": [{"text": null}]}]}',
            r"tables\.jsonl:41: the 'text' of each cell must be text",
        ),
        ("tables/tables.jsonl", '{"tableId": "a", "do', r"tables\.jsonl:41: not JSON"),
        ("interactions/test.jsonl", '{"questions": []}', r"test\.jsonl:11: 'table' must be an object"),
        ("interactions/test.jsonl", '{"table": {"tableId": "a"}, "questions": [{}]}', r"a question must have 'id'"),
        ("interactions/test.jsonl", '{"table": {"tableId": "a"}, "questions": ["x"]}', r"a question must have 'id'"),
        ("interactions/test.jsonl", "[]", r"test\.jsonl:11: not a JSON object"),
    ],
)
def test_rows_that_do_not_fit_are_named(path: str, line: str, words: str, tmp_path: Path) -> None:
    folder = write_nq_tables(tmp_path / "nq", broken=False)
    with (folder / path).open("a") as file:
        file.write(line)
    with pytest.raises(InputError, match=words):
        read_draft(str(folder))


def test_the_reissue_has_its_titles_inside_the_text(tmp_path: Path) -> None:
    made = draft(write_reissue(tmp_path / "reissue"))
    assert kinds(made) == {"query ids given twice": 1, "positive is no table": 1}
    benchmark = made.benchmark()
    assert gold(benchmark) == {"dev_0": sorted([table_id(0), table_id(3)]), "dev_1": [table_id(1)]}
    first = next(item for item in benchmark.documents if item.id == table_id(0))
    assert first.text == "AC/DC discography\n| Name | Place |\n| --- | --- |\n| only-0 | Oslo |"
    untitled = draft(tmp_path / "reissue", view="title=none,content=native").benchmark()
    assert "AC/DC" not in (next(item for item in untitled.documents if item.id == table_id(0)).text or "")
    with pytest.raises(InputError, match="mmret render"):
        read_draft(str(tmp_path / "reissue"), view="title=text,content=image")
    written = draft(tmp_path / "reissue", view="title=none,content=native,serialiser=rows")
    assert set(kinds(written)) >= {"table cannot be read"}


def test_pictures_inside_parquet_are_taken_out_once(tmp_path: Path) -> None:
    folder, cache = write_vidore(tmp_path / "vidore"), tmp_path / "cache"
    benchmark = load_benchmark(str(folder), cache=cache)
    assert gold(benchmark) == {"0": ["2"], "1": ["3"]}  # a label of 0 is no answer
    assert benchmark.gains.tolist() == [1.0, 2.0]
    assert benchmark.view == "title=text,content=image"
    assert all(item.text is None and item.image is not None for item in benchmark.documents)
    taken = {path: path.stat().st_mtime_ns for path in cache.rglob("*.png")}
    assert len(taken) == 6
    assert {path.read_bytes() for path in taken} == {png(40 + i, 30) for i in range(6)}
    assert load_benchmark(str(folder), cache=cache).media_digest == benchmark.media_digest
    next(iter(taken)).unlink()  # as after a kill, before the index was written: only what is missing is written
    load_benchmark(str(folder), cache=cache)
    again = {path: path.stat().st_mtime_ns for path in cache.rglob("*.png")}
    assert sum(again[path] != taken[path] for path in taken) == 1
    assert not list(cache.rglob("*.part"))
    (tmp_path / "full").write_text("a file where a folder is needed")
    with pytest.raises(RunError, match="cannot be written"):
        load_benchmark(str(folder), cache=tmp_path / "full")


def test_languages_lie_in_folders_below(tmp_path: Path) -> None:
    write_vidore(tmp_path / "vdr" / "en")
    write_vidore(tmp_path / "vdr" / "de")
    with pytest.raises(InputError, match="name one of its folders: de, en"):
        read_draft(str(tmp_path / "vdr"))
    assert len(load_benchmark(str(tmp_path / "vdr" / "de")).queries) == 2


def test_queries_of_other_splits_are_not_missing_answers(tmp_path: Path) -> None:
    folder = write_vidore(tmp_path / "vidore")
    parquet(folder / "qrels" / "train-0-of-1.parquet", {"query-id": [7], "corpus-id": [1], "score": [1]})
    parquet(folder / "queries" / "test-0-of-1.parquet", {"query-id": [0, 1, 7, 8], "query": ["a?", "b?", "c?", "d?"]})
    assert [fault.query for fault in draft(folder).faults] == ["8"]
    labels = {"query-id": [0, 9], "corpus-id": [1, 1], "score": [1, 1]}
    parquet(folder / "qrels" / "test-0-of-1.parquet", labels)
    assert kinds(draft(folder)) == {"label of no query": 1, "queries without a right document": 2}
    (folder / "qrels" / "test-0-of-1.parquet").write_bytes(b"PAR1, and cut short")
    with pytest.raises(InputError, match="not a Parquet file, or cut short"):
        read_draft(str(folder))


def test_own_layout_has_slices_by_look_and_judges_of_labels(tmp_path: Path) -> None:
    benchmark = load_benchmark(str(write_mini(tmp_path / "own")))
    asked = [item.id for item in benchmark.queries]
    slices = {label: {asked[i] for i in rows} for label, rows in benchmark.slices.items()}
    assert slices == {
        "area:easy": {"q0"},
        "area:medium": {"q1"},
        "area:hard": {"q2"},
        "easy words": {"q0"},
        "merged": {"q0", "q2"},
        "multi-header": {"q0", "q2"},
        "pictures": {"q0", "q2"},
    }
    assert benchmark.describe()["view"] == "title=text,content=image"
    assert (benchmark.name, benchmark.version) == ("own", "3")
    people = load_benchmark(str(tmp_path / "own"), provenance=["human", "scan"])
    assert gold(people) == {"q0": [table_id(0)], "q2": [table_id(2)]}
    assert set(np.asarray(people.provenance).tolist()) == {"human", "scan"}
    assert people.slices["area:hard"].tolist() == [1]
    assert people.digest != benchmark.digest
    models = load_benchmark(str(tmp_path / "own"), provenance=["model"])
    assert gold(models) == {"q0": [table_id(3)], "q1": [table_id(1)]}
    with pytest.raises(InputError, match=r"no label comes from people; there are: model:some-llm \(2\)"):
        load_benchmark(str(tmp_path / "own"), provenance=["people"])
    with pytest.raises(InputError, match="do not say where they come from"):
        load_benchmark(str(write_vidore(tmp_path / "vidore")), provenance=["human"])


def test_labels_do_not_depend_on_the_view_and_do_on_the_contents(tmp_path: Path) -> None:
    folder = write_mini(tmp_path / "own")
    views = (NATIVE, "title=none,content=image+ocr", "title=text,content=none", "title=image,content=none")
    made = [load_benchmark(str(folder), view=view) for view in views]
    assert len({one.digest for one in made}) == 1
    assert [one.view for one in made] == list(views)
    rows = [json.loads(line) for line in (folder / "corpus.jsonl").read_text().splitlines()]
    write_lines(folder / "corpus.jsonl", rows[::-1])
    assert load_benchmark(str(folder)).digest == made[0].digest
    for key in ("html", "ocr", "title", "_id"):
        write_lines(folder / "corpus.jsonl", [*rows[:5], {**rows[5], key: rows[5][key].replace("5", "6") + "!"}])
        assert load_benchmark(str(folder)).digest != made[0].digest


def test_no_layout_and_no_folder_say_what_was_looked_for(tmp_path: Path) -> None:
    for words in ("benchmark.json", "corpus, queries and qrels", "NQ-TABLES", "corpus_abs_with_ocr.json"):
        with pytest.raises(InputError, match=words):
            read_draft(str(tmp_path))
    with pytest.raises(InputError, match="tarvir is not here; put its files there, or name"):
        read_draft("tarvir")
    with pytest.raises(InputError, match="mmret benchmarks get hf:a/b"):
        read_draft("hf:a/b")
    (tmp_path / "interactions").mkdir()
    (tmp_path / "interactions" / "test.tfrecord").touch()
    with pytest.raises(InputError, match="give the same as JSON lines"):
        read_draft(str(tmp_path))


@pytest.mark.parametrize("option", ["view", "field_map", "split"])
def test_other_benchmarks_have_no_views(option: str, small: Path) -> None:
    for name in ("omnicvr-mini", str(small)):
        with pytest.raises(InputError, match=f"is no benchmark of tables; leave out --{option.replace('_', '-')}"):
            load_benchmark(name, **{option: "title=text"})


def test_a_corpus_without_tables_and_tables_that_cannot_be_read(tmp_path: Path) -> None:
    folder = write_mini(tmp_path / "own")
    rows = [json.loads(line) for line in (folder / "corpus.jsonl").read_text().splitlines()]
    write_lines(folder / "corpus.jsonl", [{**row, "html": "no table"} if i == 4 else row for i, row in enumerate(rows)])
    made = draft(folder, view=NATIVE)
    assert kinds(made) == {"table cannot be read": 1}
    assert next(item for item in made.documents if item.id == table_id(4)).text == title_of(4)
    untitled = draft(folder, view="title=none,content=native")
    assert next(item for item in untitled.documents if item.id == table_id(4)).text == ""
    (folder / "corpus.jsonl").write_text("")
    with pytest.raises(InputError, match="the corpus is empty"):
        read_draft(str(folder))


def test_pictures_and_texts_made_for_a_corpus_are_found_beside_it(tmp_path: Path) -> None:
    folder = write_nq_tables(tmp_path / "nq", tables=3, queries=3, broken=False)
    with pytest.raises(InputError, match=r"mmret ocr .*nq --output .*nq/ocr\.jsonl"):
        load_benchmark(str(folder), view="title=text,content=ocr")
    (folder / "images").mkdir()
    for i in range(3):
        (folder / "images" / f"{i}.png").write_bytes(png(600 * (i + 1), 600))
    drawn = [{"id": table_id(i), "file": f"images/{i}.png"} for i in range(3)]
    write_lines(folder / "manifest.jsonl", [*drawn[:2], {"id": table_id(2), "error": "time-out"}])
    assert kinds(draft(folder)) == {"picture is missing": 1}
    write_lines(folder / "manifest.jsonl", drawn)
    for row in ({"_id": table_id(0), "text": "a"}, {"id": table_id(0), "text": 1}):
        write_lines(folder / "ocr.jsonl", [row])
        with pytest.raises(InputError, match=r"ocr\.jsonl:1: must have 'id', the name of a table, and 'text', a text"):
            draft(folder)
    write_lines(folder / "ocr.jsonl", [{"id": table_id(i), "text": f"read {i}"} for i in range(2)])
    read = load_benchmark(str(folder), view="title=none,content=image+ocr")
    assert [item.text for item in read.documents] == ["read 1", "read 0", None]
    assert all(item.image is not None and item.image.path.is_file() for item in read.documents)
    assert {"area:easy", "area:medium"} <= set(read.slices)
