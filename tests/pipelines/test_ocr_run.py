"""The pool, what it keeps, the file it writes, and how far the text is from the native one."""

from __future__ import annotations

import ast
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from mmret.cli.ocr import ocr
from mmret.errors import InputError, RunError
from mmret.pipelines.ocr import distance, read_pictures, run_ocr
from mmret.pipelines.ocr.rapid import RapidOcr
from mmret.pipelines.ocr.score import native_cells
from mmret.pipelines.ocr.sources import pictures_of
from mmret.pipelines.ocr.store import PageStore

from .ocr_pictures import SMALL, draw_table

# Stands in for the program of that name, so that reading can be counted, delayed and crashed: it answers with the
# picture's size, sleeps on pictures of 7 pixels and kills the process that asked on those of 9.
TESSERACT = """#!/bin/sh
case "$1" in --version) echo "tesseract 5.0.0"; exit;; --list-langs) printf "List:\\neng\\n"; exit;; esac
read -r magic width height depth
echo "$width" >> "$OCR_LOG"
case "$width" in 7) sleep 30;; 9) kill -9 $PPID;; esac
sleep "${OCR_SECONDS:-0}"
printf "level\\tblock_num\\tpar_num\\tline_num\\tleft\\ttop\\twidth\\theight\\tconf\\ttext\\n"
printf "5\\t1\\t1\\t1\\t0\\t0\\t9\\t9\\t90\\tsize-%s\\n" "$width"
"""
RUN = """
import sys
from pathlib import Path
from mmret.pipelines.ocr import run_ocr
folder, seconds = Path(sys.argv[1]), float(sys.argv[2])
summary = run_ocr(folder, folder.parent / "out.jsonl", engine="tesseract", workers=2, time_limit=seconds)
print(summary.read, summary.known, dict(summary.failed))
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment whose tesseract is the one above."""
    program = tmp_path / "bin" / "tesseract"
    program.parent.mkdir()
    program.write_text(TESSERACT)
    program.chmod(0o755)
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    return os.environ | {"PATH": path, "OCR_LOG": str(tmp_path / "log"), "MMRET_CACHE": str(tmp_path / "cache")}


def blanks(folder: Path, *widths: int) -> Path:
    folder.mkdir()
    for width in widths:
        Image.new("RGB", (width, 5)).save(folder / f"{width:03}.png")
    return folder


def rows_in(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines() if line]


def test_each_picture_gets_its_line_and_faults_cost_nobody_else(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    whole = draw_table(folder / "a b'c.png", SMALL)
    odd = os.fsdecode(b"z\xfcrich.png")  # no UTF-8
    for name in ("copy.png", odd):
        (folder / name).write_bytes(whole.read_bytes())
    (folder / "cut.png").write_bytes(whole.read_bytes()[:400])
    (folder / "empty.png").touch()
    Image.new("RGB", (1, 1)).save(folder / "dot.png")
    summary = run_ocr(folder, tmp_path / "out" / "o.jsonl", workers=1)
    rows = {row["id"]: row for row in rows_in(tmp_path / "out" / "o.jsonl")}
    assert list(rows) == ["a b'c.png", "copy.png", "cut.png", "dot.png", "empty.png", odd]
    good = rows["a b'c.png"]
    assert good["text"].splitlines()[1] == "Oslo | 709,037 | 12.5%"
    assert (good["engine"], good["width"], good["height"]) == ("rapidocr", 361, 79)
    assert good["settings"] == json.loads(json.dumps(dict(RapidOcr().settings)))
    assert {**rows["copy.png"], "id": 0, "image": 0} == {**good, "id": 0, "image": 0}
    assert rows["dot.png"]["text"] == ""
    assert "truncated" in rows["cut.png"]["error"]
    assert "cannot identify" in rows["empty.png"]["error"]
    assert set(summary.failed) == {"cut.png", "empty.png"}
    assert (summary.pictures, summary.read, summary.without_text) == (6, 4, 1)
    # Once more: nothing is read, the file is the same to the byte.
    before = (tmp_path / "out" / "o.jsonl").read_bytes()
    whole_only = list(read_pictures([whole, folder / "gone.png"]))
    assert [(one.known, one.fault) for one in whole_only] == [(True, ""), (False, "No such file or directory")]
    assert run_ocr(folder, tmp_path / "out" / "o.jsonl", workers=1).known == 4
    assert (tmp_path / "out" / "o.jsonl").read_bytes() == before


def test_a_crash_and_a_hang_cost_one_picture_each(tmp_path: Path, environment: dict[str, str]) -> None:
    folder = blanks(tmp_path / "pictures", 1, 2, 7, 9, 11, 12, 13)
    command = [sys.executable, "-c", RUN, str(folder), "3"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    read, known, failed = done.stdout.split(" ", 2)
    assert (read, known) == ("5", "0")
    faults = ast.literal_eval(failed)
    assert list(faults) == ["007.png", "009.png"]
    assert "within 3 s" in faults["007.png"]
    assert "crashed" in faults["009.png"]
    texts = [row.get("text") for row in rows_in(tmp_path / "out.jsonl")]
    assert texts == ["size-1", "size-2", None, None, "size-11", "size-12", "size-13"]


def test_a_killed_run_goes_on_where_it_stood(tmp_path: Path, environment: dict[str, str]) -> None:
    folder = blanks(tmp_path / "pictures", *range(20, 40))
    command = [sys.executable, "-c", RUN, str(folder), "30"]
    first = subprocess.Popen(command, env=environment | {"OCR_SECONDS": "0.3"}, stderr=subprocess.DEVNULL)
    store = tmp_path / "cache" / "ocr"
    kept: list[str] = []
    while len(kept) < 5:
        time.sleep(0.05)
        assert first.poll() is None
        kept = [line for path in store.glob("*.jsonl") for line in path.read_text().split("\n") if line]
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert not (tmp_path / "out.jsonl").exists()
    time.sleep(1)  # what its processes had begun ends
    (path,) = store.glob("*.jsonl")
    with path.open("a") as file:
        file.write('{"sha256": "unfini')
    done_before = {json.loads(line)["width"] for line in path.read_text().split("\n") if line.endswith("}")}
    asked_before = Counter((tmp_path / "log").read_text().split())
    subprocess.run(command, env=environment, check=True, timeout=60, capture_output=True)
    asked = Counter((tmp_path / "log").read_text().split()) - asked_before
    assert {int(width) for width in asked} == set(range(20, 40)) - done_before
    assert set(asked.values()) == {1}
    out = (tmp_path / "out.jsonl").read_bytes()
    assert [row["text"] for row in rows_in(tmp_path / "out.jsonl")] == [f"size-{width}" for width in range(20, 40)]
    again = subprocess.run(command, env=environment, check=True, timeout=60, capture_output=True, text=True)
    assert again.stdout.startswith("0 20 ")
    assert (tmp_path / "out.jsonl").read_bytes() == out


def test_a_store_reads_past_unfinished_lines_and_names_a_full_disk(tmp_path: Path) -> None:
    store = PageStore(tmp_path, RapidOcr())
    store.add("aa", {"width": 1, "text": "Ü\u2028ber"})
    with store.path.open("a") as file:
        file.write('{"sha256": "bb", "wi')
    other = PageStore(tmp_path, RapidOcr())
    assert ("aa" in other, "bb" in other) == (True, False)
    other.add("cc", {"width": 3})
    third = PageStore(tmp_path, RapidOcr())
    assert (third["aa"]["text"], third["cc"]["width"], other["cc"]["width"]) == ("Ü\u2028ber", 3, 3)
    assert json.loads(store.path.with_suffix(".json").read_text())["engine"] == "rapidocr"
    store.path.unlink()
    store.path.mkdir()
    with pytest.raises(RunError, match="cannot be kept"):
        store.add("dd", {})


def test_pictures_are_found_in_folders_lists_and_corpora(tmp_path: Path) -> None:
    folder = blanks(tmp_path / "pictures", 3)
    (folder / "deep").mkdir()
    Image.new("RGB", (1, 1)).save(folder / "deep" / "x.JPG")
    (folder / "notes.txt").touch()
    assert [source.id for source in pictures_of(folder)] == ["003.png", "deep/x.JPG"]
    (folder / "manifest.jsonl").write_text('{"id": "a/b", "file": "003.png"}\n{"id": "failed", "file": ""}\n')
    assert pictures_of(folder) == [("a/b", folder / "003.png")]
    rows = [{"_id": 'AC/DC, "live"', "image": "003.png"}, {"_id": "no picture", "html": "<table>"}]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert pictures_of(folder) == pictures_of(folder / "corpus.jsonl") == [('AC/DC, "live"', folder / "003.png")]
    bad = {
        '{"_id": "a", "image": "x"}\n{"_id": "a", "image": "y"}': "corpus.jsonl:2: a second row of id 'a'",
        '{"image": "x"}': "corpus.jsonl:1: no text as _id or id",
        '{"_id"': "corpus.jsonl:1: not JSON",
        '{"_id": "a"}': "no pictures",
    }
    for content, words in bad.items():
        (folder / "corpus.jsonl").write_text(content)
        with pytest.raises(InputError, match=words):
            pictures_of(folder)
    for path, words in ((tmp_path / "gone", "no such file"), (folder / "003.png", "neither a folder")):
        with pytest.raises(InputError, match=words):
            pictures_of(path)
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match="no pictures"):
        pictures_of(tmp_path / "none")


def test_distance_counts_edits_and_finds_cells_in_any_order() -> None:
    native = [["City", "People"], ["Oslo", "709,037"]]
    same = distance(native, [["Ｃity", "People"], [" Oslo ", "", "709,037"]])
    assert (same.cer, same.cells, same.words) == (0, 1, 1)
    # "City People Oslo 709,037": one letter wrong of 24.
    wrong = distance(native, [["City", "Peopla"], ["Oslo", "709,037"]])
    assert (wrong.cer, wrong.cells) == (pytest.approx(1 / 24), 0.75)
    turned = distance(native, [["Oslo", "709,037"], ["City", "People"]])
    assert turned.cells == 1 < 1 + turned.cer
    assert distance(native, []).cer == 1
    assert distance([["a"]], [["a", "bcde"]]).cer == 5
    with pytest.raises(InputError, match="no text"):
        distance([[" "]], [["a"]])


def test_native_tables_by_id(tmp_path: Path) -> None:
    path = tmp_path / "corpus.jsonl"
    good = "<table><tr><th colspan=2>x</th></tr><tr><td>1</td><td>2</td></tr></table>"
    void = "<table><tr><td></td></tr></table>"
    rows = [{"_id": "a", "html": good}, {"_id": "b", "html": ""}, {"_id": "c", "html": void}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert native_cells(path, ["a", "b", "c"]) == {"a": [["x"], ["1", "2"]]}
    with pytest.raises(InputError, match="no row with a table"):
        native_cells(path, ["z"])
    path.write_text('{"_id": "a", "html": "<p>none</p>"}')
    with pytest.raises(InputError, match=r"corpus.jsonl:1: 'a'"):
        native_cells(path, ["a"])


def test_the_command_writes_scores_and_fails_where_a_picture_did(tmp_path: Path) -> None:
    draw_table(tmp_path / "t.png", SMALL)
    html = "<table>" + "".join(f"<tr><td>{'<td>'.join(row)}</tr>" for row in SMALL) + "</table>"
    rows = [{"_id": "t/1", "image": "t.png", "html": html}, {"_id": "gone", "image": "gone.png", "html": html}]
    (tmp_path / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    app = typer.Typer()
    app.command()(ocr)
    out = tmp_path / "o.jsonl"
    given = [str(tmp_path), "-o", str(out), "--workers", "1", "--against", str(tmp_path / "corpus.jsonl")]
    done = CliRunner().invoke(app, [*given, "--json"])
    assert isinstance(done.exception, RunError)
    assert "1 of 2 pictures could not be read" in str(done.exception)
    assert json.loads(done.stdout)["cer"]["mean"] == 0
    assert "gone: No such file" in done.stderr
    assert [row["id"] for row in rows_in(out)] == ["t/1", "gone"]
    assert "character error rate" in CliRunner().invoke(app, given).stdout
    with pytest.raises(InputError, match="a folder"):
        run_ocr(tmp_path, tmp_path)
    with pytest.raises(InputError, match=r"t\.png: is a file"):
        run_ocr(tmp_path, tmp_path / "t.png" / "o.jsonl")
    with pytest.raises(RunError, match="File name too long"):
        run_ocr(tmp_path, tmp_path / f"{'x' * 250}.json", workers=1)
