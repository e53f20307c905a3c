"""Disturbed copies of a corpus, and what a sweep makes of them: real pictures, a real browser, real OCR."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw, ImageFont

from mmret.benchmarks import Ragged, Sources, load_benchmark
from mmret.cli.sweep import perturb as perturb_command
from mmret.cli.sweep import sweep as sweep_command
from mmret.errors import InputError
from mmret.evaluation import Result, Run, load_result
from mmret.evaluation import Settings as EvaluationSettings
from mmret.pipelines.sweep import (
    Change,
    Copy,
    Source,
    Sweep,
    hindrance,
    make_copy,
    making_of,
    open_source,
    sweep,
    usual_changes,
)
from mmret.pipelines.sweep.effects import Outcome, effects_of
from mmret.tables import read_picture

from ..processes import until

NATIVE, IMAGE = "title=text,content=native,serialiser=rows", "title=text,content=image"
ODD = ['AC/DC "live"', "../../escape", "tab\there", "São Tomé 中文", "50% # & ?", "line\nbreak"]
NAMES = ["Avignon", "Bergen", "Cork", "Delft", "Evora", "Faro", "Genoa", "Hilo"]


def write_tree(folder: Path, *, alike: bool = False, pictures: tuple[int, int] | None = None, tables: int = 8) -> Path:
    """Tables whose titles each name a town; the cells are the same in all tables if `alike`."""
    (folder / "images").mkdir(parents=True)
    (folder / "benchmark.json").write_text(json.dumps({"layout": "tables", "name": "towns", "version": "2"}))
    ids = [ODD[i] if i < len(ODD) else f"t{i}" for i in range(tables)]
    corpus, queries, qrels = [], [], []
    for i, name in enumerate(ids):
        town, own = NAMES[i % len(NAMES)] + "x" * (i // len(NAMES)), "same" if alike else f"word{i}"
        row = {"_id": name, "title": f"Rivers of {town}", "html": html(own)}
        if pictures:
            row["image"] = f"images/{i}.png"
            random = np.random.default_rng(i)
            Image.fromarray(random.integers(0, 256, (*pictures, 3), np.uint8)).save(folder / row["image"])
        corpus.append(row)
        queries.append({"_id": f"q{i}", "text": f"{town} {own}", "labels": ["even"] if i % 2 == 0 else []})
        qrels.append({"query-id": f"q{i}", "corpus-id": name, "score": 1, "provenance": "human"})
    for path, rows in (("corpus", corpus), ("queries", queries), ("qrels/test", qrels)):
        (folder / f"{path}.jsonl").parent.mkdir(exist_ok=True)
        (folder / f"{path}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def html(own: str) -> str:
    body = "".join(f"<tr><td>{own} {row}</td><td>{row * 7}</td><td>north</td></tr>" for row in range(4))
    return f"<table><tr><th>River</th><th>Length</th><th>Source</th></tr>{body}</table>"


def opened(folder: Path, view: str, **options: Any) -> Source:
    return open_source(str(folder), Sources(view=view), **options)


def swept(source: Source, folder: Path, *changes: str, model: str = "bm25", **options: Any) -> Sweep:
    settings = EvaluationSettings(measures=("R@1", "MRR"), cost_items=0, workers=1)
    return sweep(source, model, [Change.parse(text) for text in changes], folder, settings, **options)


def lines(path: Path) -> dict[str, dict[str, Any]]:
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return {row.get("_id", row.get("id")): row for row in rows}


def content(folder: Path) -> dict[str, str]:
    """Digest of every file, by its path."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_moved_rows_and_columns_change_no_digit_of_a_bag_of_words(tmp_path: Path) -> None:
    source = opened(write_tree(tmp_path / "tree"), NATIVE)
    found = swept(source, tmp_path / "out", "columns", "rows", slices=["even"])
    assert [(one.change, one.slice, one.queries) for one in found.effects] == [
        ("columns", "all", 8),
        ("columns", "even", 4),
        ("rows", "all", 8),
        ("rows", "even", 4),
    ]
    untouched = load_result(tmp_path / "out" / "results" / "bm25" / "untouched")
    texts = {item.id: item.text for item in source.benchmark.documents}
    for name in ("columns", "rows"):
        copy = load_benchmark(str(tmp_path / "out" / "corpora" / name), view=NATIVE)
        moved = {item.id: item.text for item in copy.documents}
        assert any(moved[one] != texts[one] for one in texts)  # the documents did change,
        assert all(sorted((moved[one] or "").split()) == sorted((texts[one] or "").split()) for one in texts)
        result = load_result(tmp_path / "out" / "results" / "bm25" / name)
        pd.testing.assert_frame_equal(result.per_query, untouched.per_query)  # and no score did
    for one in found.effects:
        assert one.before == one.after == 1
        assert (one.comparison.effect, one.stability.same, one.stability.overlap) == (0, 1, 1)
        assert (one.stability.median, one.stability.p90, one.adjusted) == (0, 0, 1)


def test_without_titles_an_answer_that_only_the_title_holds_is_found_by_chance(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", alike=True)
    found = swept(opened(tree, "title=text,content=native"), tmp_path / "out", "title-drop", "title-noise=0.5")
    drop, noise = found.effects
    assert (drop.before, drop.after) == (1, 1 / 8)
    assert drop.comparison.effect == -7 / 8
    assert (drop.stability.same, drop.stability.median) == (0, 3.5)  # from the first place to the middle of eight
    assert drop.adjusted <= 2 * drop.comparison.p
    assert 1 / 8 <= noise.after < 1
    assert drop.stability.overlap == 1  # all eight are among the first ten in both


def test_what_cannot_matter_is_not_run_and_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = write_tree(tmp_path / "tree", pictures=(20, 30))
    sweep_command(
        str(tree), "bm25", tmp_path / "out", "title=none,content=native", ["blur=2", "title-drop", "style=dark", "rows"]
    )
    shown = capsys.readouterr().out
    assert "not run: the view shows no picture of the table: blur=2, style=dark" in shown
    assert "not run: the view shows no title: title-drop" in shown
    assert "rows" in shown
    assert {path.name for path in (tmp_path / "out" / "corpora").iterdir()} == {"rows"}
    with pytest.raises(InputError, match=r"blur=2 cannot matter .* no picture"):
        perturb_command(str(tree), "blur=2", tmp_path / "copy", view="title=none,content=native")
    words = {
        ("title=image,content=none", "rows"): "shows no cells",
        ("title=image,content=none", "style=dark"): "no picture of the table",
        ("title=image,content=none", "blur=1"): "",
        ("title=text,content=image", "blur=1"): "",
        ("title=text,content=image", "columns"): "",
    }
    for (view, change), reason in words.items():
        source = opened(tree, view)
        found = hindrance(Change.parse(change), source.view, source.sample)
        assert reason in found if reason else not found
    sweep_command(str(tree), "bm25", tmp_path / "out2", "title=none,content=native", ["blur=2", "rows"], as_json=True)
    described = json.loads(capsys.readouterr().out)
    assert described["not_run"] == {"blur=2": "the view shows no picture of the table"}
    assert [one["change"] for one in described["effects"]] == ["rows"]


def test_unknown_changes_are_refused_with_near_names() -> None:
    for text, words in {
        "blurr=2": "did you mean blur",
        "style=drak": "did you mean dark",
        "style": "unknown style",
        "blur": "give a strength",
        "blur=much": "not a number",
        "rows=2": "no strength",
        "": "known: blur",
    }.items():
        with pytest.raises(InputError, match=words):
            Change.parse(text)
    assert [str(Change.parse(str(one))) for one in usual_changes()] == [str(one) for one in usual_changes()]
    assert len({str(one) for one in usual_changes()}) == len(usual_changes())


def test_pictures_are_disturbed_the_same_way_for_one_seed(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", pictures=(40, 60))
    (tree / "images" / "3.png").write_bytes(b"torn")
    source = opened(tree, IMAGE)
    copies = {
        name: make_copy(opened(tree, IMAGE, seed=seed), Change.parse(text), tmp_path / name)
        for name, text, seed in (
            ("noise", "noise=0.4", 0),
            ("again", "noise=0.4", 0),
            ("other", "noise=0.4", 1),
            ("blur", "blur=100", 0),
        )
    }
    assert content(tmp_path / "noise") == content(tmp_path / "again")
    before = {item.id: item for item in source.benchmark.documents}
    torn = ODD[3]
    for name, copy in copies.items():
        assert list(copy.failed) == [torn]
        assert "not a readable picture" in copy.failed[torn]
        documents = {item.id: item for item in read(copy)}
        assert documents.keys() == before.keys()
        good = [one for one in before if one != torn]
        assert all(documents[one].image.digest != before[one].image.digest for one in good)
        assert all(documents[one].text == before[one].text for one in good)
        assert {path.parent for path in (copy.folder / "images").iterdir()} == {copy.folder / "images"}
        assert name != "other" or content(copy.folder) != content(tmp_path / "noise")
    sharp, blurred = (
        read_picture(before["t6"].image),
        read_picture({one.id: one for one in read(copies["blur"])}["t6"].image),
    )
    assert np.asarray(blurred).std() < 0.3 * np.asarray(sharp).std()


def read(copy: Copy) -> Any:
    from mmret.benchmarks.tarvir import read_tables

    return read_tables(copy.folder, Sources(view=str(copy.view))).documents


def test_a_torn_picture_is_left_out_on_both_sides(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", pictures=(40, 60))
    (tree / "images" / "6.png").write_bytes(b"torn")
    source = opened(tree, IMAGE)
    found = swept(source, tmp_path / "out", "blur=1", "title-drop", model="random")
    assert [(one.change, one.queries) for one in found.effects] == [("blur=1", 7), ("title-drop", 7)]
    assert [*found.failed] == ["blur=1"]
    excluded = load_result(tmp_path / "out" / "results" / "random" / "blur=1").record["excluded"]["documents"]
    assert [one["id"] for one in excluded] == ["t6"]


def test_a_copy_is_a_benchmark_and_nothing_else_is_taken_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = write_tree(tmp_path / "tree", pictures=(20, 30))
    source = opened(tree, "title=text,content=image+native")
    copy = make_copy(source, Change.parse("title-drop"), tmp_path / "copy")
    assert (copy.new, copy.failed) == (True, {})
    benchmark = load_benchmark(str(tmp_path / "copy"), view="title=text,content=image+native")
    before = source.benchmark
    assert benchmark.name == "towns+title-drop"
    assert [item.id for item in benchmark.documents] == [item.id for item in before.documents]
    assert benchmark.queries == before.queries
    assert (benchmark.positives.positions == before.positives.positions).all()
    assert set(benchmark.provenance.tolist()) == {"human"}
    assert list(benchmark.slices["even"]) == list(before.slices["even"])
    for new, old in zip(benchmark.documents, before.documents, strict=True):
        assert "Rivers of" in old.text
        assert new.text == old.text.partition("\n")[2]
        assert new.image.digest == old.image.digest
    assert json.loads((copy.folder / "benchmark.json").read_text())["copy"]["of"]["digest"] == before.digest
    stamp = content(copy.folder)
    assert not make_copy(source, Change.parse("title-drop"), copy.folder).new
    assert content(copy.folder) == stamp
    for change, seed in (("title-noise=0.5", 0), ("title-drop", 1)):
        with pytest.raises(InputError, match="holds something else"):
            make_copy(opened(tree, "title=text,content=image+native", seed=seed), Change.parse(change), copy.folder)
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".part")]
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(InputError, match=r"^\.: name a folder of its own"):
        make_copy(source, Change.parse("title-drop"), Path())
    with pytest.raises(InputError, match="no benchmark of tables"):
        open_source("omnicvr-mini", Sources())


def test_a_title_drawn_above_a_picture_is_disturbed_with_it(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", pictures=(40, 400), tables=3)
    source = opened(tree, "title=image,content=image+native")
    copy = make_copy(source, Change.parse("blur=2"), tmp_path / "copy")
    assert str(copy.view) == "title=none,content=image+native"
    for new, old in zip(sorted(read(copy), key=lambda one: one.id), source.benchmark.documents, strict=True):
        wanted = Change.parse("blur=2").perturbation.apply(read_picture(old.image), 0)
        assert wanted.height > 40
        assert np.array_equal(np.asarray(read_picture(new.image)), np.asarray(wanted))
        assert new.text == old.text


def test_drawn_pictures_are_compared_with_pictures_drawn_alike(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", pictures=(20, 30), tables=6)
    flag, either = "word0 0<img src=images/0.png alt=''>", "word0 1<img src=images/{}.png alt=flag>"
    text = (tree / "corpus.jsonl").read_text()
    for number, word in enumerate(("word0 0", "word0 1", "word0 2")):
        text = text.replace(word, flag if number == 0 else either.format(number), 1)
    (tree / "corpus.jsonl").write_text(text)
    source = opened(tree, IMAGE, workers=1)
    found = swept(source, tmp_path / "out", "style=dark", model="random")
    assert [(one.change, one.baseline) for one in found.effects] == [("style=dark", "redrawn")]
    rows = make_copy(source, Change.parse("rows"), tmp_path / "out" / "corpora" / "rows")
    assert str(making_of(Change.parse("rows"), source.view)) == "redrawn-from-cells"
    made = {path.name: lines(path / "manifest.jsonl") for path in rows.folder.parent.iterdir()}
    assert made.keys() == {"style=dark", "rows", "redrawn"}
    for name, drawn in made.items():
        assert drawn.keys() == set(ODD)
        assert {one["style"] for one in drawn.values()} == {"dark" if name == "style=dark" else "plain"}
    looks = [(one["renderer"], one["version"], one["scale"]) for drawn in made.values() for one in drawn.values()]
    assert len(set(looks)) == 1
    digests = {name: [one["sha256"] for one in drawn.values()] for name, drawn in made.items()}
    assert not set(digests["redrawn"]) & set(digests["style=dark"])
    assert made["redrawn"][ODD[0]]["assets"].keys() == {"images/0.png", "images/1.png", "images/2.png"}
    assert made["rows"][ODD[0]]["assets"].keys() == {"images/0.png"}  # which of two "flag" means, nobody knows
    # Of the other tables rows are all that can differ, because they bring no markup; one of 24 orders is no move.
    assert sum(a != b for a, b in zip(digests["redrawn"], digests["rows"], strict=True)) >= 4
    dark = read_picture(tmp_path / "out" / "corpora" / "style=dark" / made["style=dark"][ODD[0]]["file"])
    assert np.asarray(dark).mean() < 100
    assert swept(source, tmp_path / "out", "style=dark", model="random").effects == found.effects
    about = tmp_path / "out" / "corpora" / "redrawn" / "benchmark.json"
    about.write_text(about.read_text().replace(looks[0][1], "1.2.3"))
    with pytest.raises(InputError, match="redrawn: holds something else"):  # drawn by another version
        swept(source, tmp_path / "out", "style=dark", model="random")


def test_text_is_read_anew_on_both_sides(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", pictures=(20, 30), tables=2)
    rows = lines(tree / "corpus.jsonl")
    for i, row in enumerate(rows.values()):
        picture = Image.new("RGB", (400, 80), "white")
        ImageDraw.Draw(picture).text((20, 20), f"north {NAMES[i]}", "black", ImageFont.load_default(36))
        picture.save(tree / row["image"])
    (tree / "ocr.jsonl").write_text(
        "".join(json.dumps({"id": name, "text": "read by another engine"}) + "\n" for name in rows)
    )
    source = opened(tree, "title=none,content=ocr", workers=1)
    change = Change.parse("blur=50")
    assert str(making_of(change, source.view)) == "read-anew"
    assert str(making_of(Change.parse("rows"), source.view)) == "redrawn-from-cells+read-anew"
    assert str(making_of(Change.parse("title-drop"), opened(tree, "title=text,content=ocr").view)) == "untouched"
    found = swept(source, tmp_path / "out", "blur=50")
    assert found.effects[0].baseline == "read-anew"
    assert (found.effects[0].before, found.effects[0].after) == (1, 1 / 2)
    sharp, blurred = (lines(tmp_path / "out" / "corpora" / name / "corpus.jsonl") for name in ("read-anew", "blur=50"))
    assert all("north" in row["ocr"] and "another engine" not in row["ocr"] for row in sharp.values())
    assert not any("north" in row["ocr"] for row in blurred.values())
    about = json.loads((tmp_path / "out" / "corpora" / "blur=50" / "benchmark.json").read_text())
    assert about["copy"]["ocr"]["engine"] == "rapidocr"


def started(script: Path, command: str, *arguments: object) -> subprocess.Popen[bytes]:
    """A command of this module in a process of its own, with all that it starts in one group."""
    call = f"if __name__ == '__main__':\n    {command}(*{arguments!r})\n"
    script.write_text(f"from pathlib import PosixPath\nfrom mmret.cli.sweep import {command}\n{call}")
    return subprocess.Popen([sys.executable, script], stderr=subprocess.DEVNULL, start_new_session=True)


def test_a_killed_copy_goes_on_and_is_never_seen_half_done(tmp_path: Path) -> None:
    tree, out, view = write_tree(tmp_path / "tree", pictures=(300, 400), tables=80), tmp_path / "out", IMAGE
    process = started(tmp_path / "run.py", "perturb", str(tree), "blur=90", out / "copy", None, view)
    until(lambda: len(list(out.glob(".copy*.part/images/*.png"))) > 3, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    before = {path.name: path.stat().st_mtime_ns for path in out.glob(".copy*.part/images/*.png")}
    assert not (out / "copy").exists()
    assert 3 < len(before) < 80
    source = opened(tree, view)
    copy = make_copy(source, Change.parse("blur=90"), out / "copy")
    assert copy.new
    assert content(copy.folder) == content(make_copy(source, Change.parse("blur=90"), tmp_path / "whole").folder)
    assert {name: (copy.folder / "images" / name).stat().st_mtime_ns for name in before} == before
    assert [path.name for path in out.iterdir()] == ["copy"]


def test_a_killed_sweep_runs_only_what_is_left(tmp_path: Path) -> None:
    tree, out = write_tree(tmp_path / "tree"), tmp_path / "out"
    changes = ["title-drop", "title-noise=0.3", "rows", "columns"]
    process = started(tmp_path / "run.py", "sweep", str(tree), "bm25", out, NATIVE, changes)
    done = out / "results" / "bm25" / "title-drop" / "result.json"
    until(done.exists, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    stamps = {path: path.stat().st_mtime_ns for path in out.rglob("result.json")}
    source = opened(tree, NATIVE)
    settings = EvaluationSettings(measures=("R@10", "R@1", "R@3", "R@5", "MRR", "MedR"), cost_items=0)
    parsed = [Change.parse(text) for text in changes]
    found = sweep(source, "bm25", parsed, out, settings)
    assert [one.change for one in found.effects] == changes
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps
    assert found.effects == sweep(source, "bm25", parsed, tmp_path / "fresh", settings).effects
    with pytest.raises(InputError, match="another limit"):
        sweep(source, "bm25", parsed, out, EvaluationSettings(measures=settings.measures, cost_items=0, limit=3))
    few = tmp_path / "few"
    assert sweep(source, "bm25", parsed[:1], few, replace(settings, limit=3)).effects[0].queries == 3
    with pytest.raises(InputError, match="another limit"):  # and not those three taken for all
        sweep(source, "bm25", parsed[:1], few, settings)
    with pytest.raises(InputError, match="no slice 'odd'; there are: even"):
        sweep(source, "bm25", parsed, out, settings, slices=["odd"])
    (tree / "corpus.jsonl").write_text((tree / "corpus.jsonl").read_text().replace("north", "south"))
    with pytest.raises(InputError, match="another digest"):
        sweep(opened(tree, NATIVE), "bm25", parsed, out, settings)


def outcome(scores: np.ndarray[Any, np.dtype[np.float64]], ranks: list[int], tied: list[int]) -> Outcome:
    queries, documents = [f"q{i}" for i in range(len(scores))], [f"d{i:03}" for i in range(scores.shape[1])]
    table = pd.DataFrame(
        {"protocol": "global", "query": queries, "greater": ranks, "tied": tied, "cluster": queries, "MRR": 1.0}
    )
    table["MRR"] = 1 / (table.greater + 1)
    run = Run(queries, documents, Ragged.of([range(scores.shape[1])] * len(scores)), scores.ravel())
    return Outcome(Result({"excluded": {"documents": []}}, table, run), "MRR")


def test_ties_share_the_last_places_of_the_first_ten() -> None:
    falling = -np.arange(40.0)
    late = falling.copy()
    late[5:20] = -5  # fifteen tie for the last five places
    flat = np.zeros(40)
    before = outcome(np.stack([falling, falling, flat]), [0, 3, 0], [1, 1, 40])
    after = outcome(np.stack([late, falling[::-1], flat]), [0, 36, 0], [1, 1, 40])
    (one,) = effects_of(before, after, {}, change="c", baseline="b", measure="MRR", seed=0)
    assert one.stability.same == pytest.approx(2 / 3)
    assert one.stability.median == 0
    assert one.stability.p90 == pytest.approx(0.8 * 33)
    assert one.stability.overlap == pytest.approx(((5 + 5 * 1 / 3) / 10 + 0 + 1) / 3)
    assert one.comparison.effect == pytest.approx((1 / 37 - 1 / 4) / 3)
