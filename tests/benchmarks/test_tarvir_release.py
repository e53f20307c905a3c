"""The release of TaR-ViR: JSON in every shape, maps of its fields, and files that are damaged."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmret.benchmarks import load_benchmark
from mmret.errors import InputError

from .tarvir_files import (
    draft,
    gold,
    kinds,
    table_id,
    write_pictures,
    write_release,
)

NATIVE = "title=text,content=native"


@pytest.mark.parametrize("tar", [False, True])
@pytest.mark.parametrize("shape", ["array", "keyed", "lines"])
def test_the_release_in_every_shape_of_json(shape: str, tar: bool, tmp_path: Path) -> None:
    folder = write_release(tmp_path / "release", shape=shape, tar=tar)
    benchmark = load_benchmark("tarvir", folder)
    assert benchmark.name == "tarvir"
    assert gold(benchmark) == {f"q{i}": [f"{table_id(i)}_{i}"] for i in range(3)}
    assert "not stated" in benchmark.describe()["licence"]
    widths = set()
    for item in benchmark.documents:
        assert item.image is not None
        with item.image.open() as file, Image.open(file) as image:
            widths.add(image.width)
    assert widths == set(range(60, 68))  # each has the picture of its own
    native = load_benchmark("tarvir", folder, view=f"{NATIVE},serialiser=rows")
    assert native.documents[0].text == '"Heroes", songs on\nName | \nonly-1 | 3'
    ocr = load_benchmark("tarvir", folder, view="title=none,content=ocr")
    assert ocr.documents[0].text == "Name | Place\nonly-1 | Oslo"
    assert native.digest == ocr.digest == benchmark.digest
    assert len({one.media_digest for one in (native, ocr, benchmark)}) == 3
    train = load_benchmark("tarvir", folder, split="train", view=NATIVE)
    assert set(np.asarray(train.provenance).tolist()) == {"model:Qwen2.5-VL-72B"}
    assert gold(train) == {train.queries[0].id: [f"{table_id(5)}_2"]}


def test_unknown_keys_print_the_map_they_need(tmp_path: Path) -> None:
    corpus = {"id": "nr", "title": "heading", "ocr": "seen", "image": "file"}
    queries = {"id": "nr", "text": "asked", "positives": "right"}
    folder = write_release(tmp_path / "release", corpus_keys=corpus, query_keys=queries)
    with pytest.raises(
        InputError, match=r"which field is 'id'\? Its fields are 'nr', 'heading', 'seen', 'file'"
    ) as told:
        load_benchmark("tarvir", folder)
    template = json.loads(str(told.value).splitlines()[-1])
    assert template == {"corpus": {"id": "?"}}
    path = tmp_path / "map.json"
    path.write_text(json.dumps({"corpus": corpus}))
    with pytest.raises(InputError, match="which field is 'text' and which 'positives'") as told:
        load_benchmark("tarvir", folder, field_map=path)
    template = json.loads(str(told.value).splitlines()[-1])
    assert template["corpus"] == corpus
    path.write_text(json.dumps(template | {"test": queries}))
    mapped = load_benchmark("tarvir", folder, field_map=path)
    assert mapped.digest == load_benchmark("tarvir", write_release(tmp_path / "usual")).digest


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"corpus": {"id": "nowhere"}}', r"which field is 'id'\? Its fields are 'table_id', 'title'"),
        ('{"corpus": {"name": "table_id"}}', r"unknown field of 'corpus' in the field map 'name'"),
        ('{"corpus": "id"}', "no field map; it looks like"),
        ("[]", "no field map"),
        ("{", "not JSON"),
        (None, "cannot be read"),
    ],
)
def test_a_wrong_field_map_is_refused(content: str | None, words: str, tmp_path: Path) -> None:
    path = tmp_path / "map.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=words):
        load_benchmark("tarvir", write_release(tmp_path / "release"), field_map=path)


def test_names_may_lead_into_what_a_field_holds(tmp_path: Path) -> None:
    folder = write_release(tmp_path / "release")
    rows = json.loads((folder / "eval/test.json").read_text())
    deep = [{"q": row["question"], "pos": [{"img": f"images/{name}.png"} for name in row["positives"]]} for row in rows]
    (folder / "eval/test.json").write_text(json.dumps(deep))
    (tmp_path / "map.json").write_text('{"test": {"text": "q"}}')
    with pytest.raises(InputError, match=r"name what is inside with a dot, such as NAME\.img"):
        load_benchmark("tarvir", folder, field_map=tmp_path / "map.json")
    (tmp_path / "map.json").write_text('{"test": {"text": "q", "positives": "pos.img"}}')
    found = load_benchmark("tarvir", folder, field_map=tmp_path / "map.json")
    assert sorted(gold(found).values()) == sorted([f"{table_id(i)}_{i}"] for i in range(3))
    (tmp_path / "map.json").write_text('{"test": {"text": "q", "positives": "pos.0.img"}}')
    assert load_benchmark("tarvir", folder, field_map=tmp_path / "map.json").digest == found.digest


def test_files_cut_short_and_pointers_are_named(tmp_path: Path) -> None:
    folder = write_release(tmp_path / "release")
    corpus = folder / "eval" / "corpus_abs_with_ocr.json"
    whole = corpus.read_text()
    corpus.write_text(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"corpus_abs_with_ocr\.json: not JSON, or cut short"):
        load_benchmark("tarvir", folder)
    corpus.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 195670000\n")
    with pytest.raises(InputError, match="git lfs pull"):
        load_benchmark("tarvir", folder)
    corpus.write_text("")
    with pytest.raises(InputError, match="the file is empty"):
        load_benchmark("tarvir", folder)
    corpus.write_bytes(b"[\xff\xfe]")
    with pytest.raises(InputError, match=r"corpus_abs_with_ocr\.json"):
        load_benchmark("tarvir", folder)
    corpus.write_text(whole)
    (folder / "eval" / "test.json").unlink()
    with pytest.raises(InputError, match=r"test\.json: the file is missing"):
        load_benchmark("tarvir", folder)


def test_missing_pictures_and_stray_labels_of_the_release_are_named(tmp_path: Path) -> None:
    folder = write_release(tmp_path / "release")
    (folder / "images" / f"{table_id(6)}_0.png").unlink()
    rows = json.loads((folder / "eval/test.json").read_text())
    rows[1]["positives"] = ["AC/DC", rows[1]["positives"][0]]
    (folder / "eval/test.json").write_text(json.dumps(rows))
    made = draft(folder, view=NATIVE)
    assert kinds(made) == {"picture is missing": 1, "positive is no table": 1}  # in every view: all views, one list
    assert f"images/{table_id(6)}_0.png): picture is missing" in made.faults[0].where
    write_pictures(folder, [f"{table_id(6)}_0"], tar=True)
    assert kinds(draft(folder)) == {"positive is no table": 1}


def test_tables_that_were_not_crawled_and_those_that_are_no_tables(tmp_path: Path) -> None:
    folder = write_release(tmp_path / "release")
    rows = json.loads((folder / "tables.json").read_text())
    name = f"{table_id(1)}_1"
    (folder / "tables.json").write_text(json.dumps(rows | {name: {"error": "gone"}}))
    assert kinds(draft(folder, view=NATIVE)) == {"table is empty": 1}
    (folder / "tables.json").write_text(json.dumps(rows | {name: {"headers": ["a"], "rows": ["b"]}}))
    with pytest.raises(InputError, match=r"tables\.json\['.*'\]: 'headers' must be a list, and 'rows' a list of lists"):
        draft(folder, view=NATIVE)
