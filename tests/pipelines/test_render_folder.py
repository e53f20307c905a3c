"""Many documents to a folder of pictures with a manifest: resumed, parallel, with a list of failures."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from mmret.cli.render import render as command
from mmret.errors import InputError, RunError
from mmret.media import Fault
from mmret.pipelines.render import Document, Settings, read_documents, render, weasy

ONE = Settings(pages=1)
HEAVY = (
    "<table><tr><td><svg width=4000 height=4000><filter id=f x=0 y=0 width=1 height=1><feTurbulence "
    "numOctaves=4000 baseFrequency=.1 /></filter><rect width=4000 height=4000 filter='url(#f)' /></svg></table>"
)


def table(words: str) -> str:
    return f"<table><tr><td>{words}</table>"


def entries(folder: Path) -> dict[str, dict[str, Any]]:
    lines = [json.loads(line) for line in (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    return {line["id"]: line for line in lines}


def documents(*words: str) -> list[Document]:
    return [Document(word, table(word)) for word in words]


def of_this_test(mark: Path) -> Iterable[str]:
    """The commands of all processes with this folder in their environment."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(mark).encode() in (process / "environ").read_bytes():
                yield (process / "cmdline").read_bytes().decode()
        except OSError:
            continue


def test_a_folder_is_drawn_kept_and_drawn_anew_where_something_changed(tmp_path: Path) -> None:
    odd = 'AC/DC "live", 日本 ../../x'
    asked = [*documents("a", "b", odd), Document("broken", Fault("file.html: torn")), Document("none", "<p>none")]
    report = render(asked, tmp_path / "out", Settings(pages=2))
    assert (report.drawn, report.kept) == (3, 0)
    assert report.failed == {"broken": "file.html: torn", "none": "the document holds no table"}
    found = entries(tmp_path / "out")
    assert list(found) == ["a", "b", odd, "broken", "none"]
    assert found["none"]["error"] == "the document holds no table"
    for name in ("a", "b", odd):
        one = found[name]
        path = tmp_path / "out" / one["file"]
        assert one["digest"] == hashlib.sha256(table(name).encode()).hexdigest()
        assert one["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        with Image.open(path) as image:
            assert image.size == (one["width"], one["height"])
        assert path.parent == tmp_path / "out" / "images"
        assert (one["renderer"], one["style"], one["viewport"], one["scale"]) == ("chromium", "plain", [1280, 800], 1.0)
        assert one["version"][0].isdigit()
        assert one["seconds"] > 0
        assert one["fonts"]

    (tmp_path / "out" / found[odd]["file"]).write_bytes(b"torn")
    changed = [Document("a", table("a")), Document("b", table("other")), *documents(odd, "c")]
    report = render(changed, tmp_path / "out", ONE)
    assert (report.drawn, report.kept, report.failed) == (3, 1, {})
    again = entries(tmp_path / "out")
    assert list(again) == ["broken", "none", "a", "b", odd, "c"]
    assert again["a"] == found["a"]
    assert again[odd]["sha256"] == found[odd]["sha256"]
    assert {path.name for path in (tmp_path / "out" / "images").iterdir()} == {
        Path(one["file"]).name for one in again.values() if "file" in one
    }
    assert render(changed, tmp_path / "out", Settings(pages=1, style="latex")).drawn == 4


def test_one_id_with_two_contents_is_an_error_and_a_repeated_document_is_none(tmp_path: Path) -> None:
    assert render(documents("a", "a"), tmp_path, ONE).drawn == 1
    with pytest.raises(InputError, match="'a' is given twice"):
        render([*documents("a"), Document("a", table("b"))], tmp_path, ONE)


def test_a_name_that_is_no_utf8_stands_in_the_manifest(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"z\xfcrich.html")).write_text(table("a"))
    for drawn in (1, 0):
        report = render(read_documents([tmp_path]), tmp_path / "out", Settings(pages=1, engine="weasyprint"))
        assert (report.drawn, report.kept) == (drawn, 1 - drawn)
        assert list(entries(tmp_path / "out")) == ["z\udcfcrich"]


def test_a_document_that_takes_too_long_fails_and_leaves_no_process(tmp_path: Path) -> None:
    report = render([Document("heavy", HEAVY)], tmp_path, Settings(pages=1, time_limit=4))
    assert report.failed == {"heavy": "the renderer did not end within 4 s"}
    deadline = time.monotonic() + 30
    while any("chrom" in one for one in of_this_test(tmp_path)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [one for one in of_this_test(tmp_path) if "chrom" in one]


def test_a_killed_run_goes_on_where_it_stood(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    rows = [{"id": f"{i}", "html": table(f"words {i}")} for i in range(40)]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    out = tmp_path / "out"
    call = "import sys, pathlib as p; from mmret.pipelines.render import *; "
    call += "print(render(read_documents([p.Path(sys.argv[1])]), p.Path(sys.argv[2]), Settings(pages=2)).drawn)"
    process = subprocess.Popen([sys.executable, "-c", call, source, out], env={**os.environ, "MARK": str(tmp_path)})
    manifest = out / "manifest.jsonl"
    while not manifest.exists() or manifest.read_text().count('"sha256"') < 5:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    drawn = {name: (out / one["file"]).stat().st_mtime_ns for name, one in _whole(manifest).items()}
    assert 5 <= len(drawn) < 40
    report = render(read_documents([source]), out, Settings(pages=2))
    assert (report.drawn, report.kept) == (40 - len(drawn), len(drawn))
    found = entries(out)
    assert list(found) == [row["id"] for row in rows]
    assert drawn == {name: (out / found[name]["file"]).stat().st_mtime_ns for name in drawn}
    assert len(list((out / "images").iterdir())) == 40


def _whole(manifest: Path) -> dict[str, Any]:
    lines = [line for line in manifest.read_text().splitlines() if line.endswith("}")]
    return {one["id"]: one for one in map(json.loads, lines)}


def test_every_kind_of_file_becomes_documents(tmp_path: Path) -> None:
    weasy.version()  # the first import of weasyprint changes Pillow, and this one mends it
    from weasyprint import HTML

    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.HTML").write_text("\ufeff<table><tr><td>a</table>", encoding="utf-8")
    (tmp_path / "b.csv").write_text('City,"Name, long"\nBerne,<b>1</b>\n', encoding="utf-8")
    (tmp_path / "bad.csv").write_text('x,y\n"1,2', encoding="utf-8")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "latin.csv").write_bytes("Zürich".encode("latin-1"))
    parquet.write_table(pa.table({"n": [1, None], "t": ["x", "y"]}), tmp_path / "c.parquet")
    (tmp_path / "torn.parquet").write_bytes(b"PAR1")
    HTML(string="<p>1<p style='page-break-before:always'>2").write_pdf(tmp_path / "d.pdf")
    nq = {
        "tableId": "AC/DC_0F",
        "documentTitle": "AC/DC",
        "columns": [{"text": "Year"}],
        "rows": [{"cells": [{"text": "1973 & on"}]}],
    }
    lines = [json.dumps({"_id": "x/y", "title": "t", "html": table("x")}), json.dumps(nq | {"tableId": "AC/DC_1"})]
    lines += [json.dumps({"id": "q1", "table": nq, "questions": []}), '{"id": 3}', '{"html": "torn', "[1]", ""]
    lines += ['{"id": "half", "html": "\\ud800"}']
    (tmp_path / "e.jsonl").write_text("\n".join(lines))
    (tmp_path / "ignored.txt").write_text("x")
    found = {one.id: one.content for one in read_documents([tmp_path])}
    faults = {name: one.reason for name, one in found.items() if isinstance(one, Fault)}
    assert set(faults) == {"bad", "empty", "latin", "torn", "e:4", "e:5", "e:6", "e:8"}
    assert "'tableId' is missing" in faults["e:4"] or "'columns' is missing" in faults["e:4"]
    assert "latin.csv" in faults["latin"]
    assert faults["empty"].endswith("empty.csv: the file is empty")
    assert set(found) - set(faults) == {"sub/a", "b", "c", "d#1", "d#2", "x/y", "AC/DC_1", "AC/DC_0F"}
    assert "&lt;b&gt;1&lt;/b&gt;" in str(found["b"])
    assert "<th>Name, long</th>" in str(found["b"])
    assert "1973 &amp; on" in str(found["AC/DC_0F"])
    assert "<td></td>" in str(found["c"])


@pytest.mark.parametrize(
    ("name", "words"), [("nowhere.html", "no such file"), ("notes.txt", "its ending"), ("empty", "no file in it")]
)
def test_inputs_that_are_none(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=words):
        list(read_documents([tmp_path / name]))


def test_the_command_lists_failures_and_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.html").write_text(table("a") + table("b"))
    (tmp_path / "b.html").write_text("<p>")
    inputs = [tmp_path / "a.html", tmp_path / "b.html"]
    with pytest.raises(RunError, match="1 documents could not be drawn"):
        command(inputs, tmp_path / "out", pages=1, engine="weasyprint", as_json=True)
    said = capsys.readouterr()
    assert json.loads(said.out) == {
        "drawn": 1,
        "kept": 0,
        "failed": 1,
        "manifest": str(tmp_path / "out/manifest.jsonl"),
    }
    assert "failed: b: the document holds no table" in said.err
    assert "several tables, of which the first was drawn: a" in said.err
    assert entries(tmp_path / "out")["a"]["renderer"] == "weasyprint"
    with pytest.raises(InputError, match="1280x800"):
        command(inputs, tmp_path / "out", viewport="wide")
