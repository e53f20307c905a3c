"""The view matrix: what is run, what is not, and why."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mmret.benchmarks import Benchmark, load_benchmark
from mmret.benchmarks.tarvir import View
from mmret.cli import main
from mmret.errors import InputError
from mmret.evaluation import Settings, all_views, compare_results, evaluate, load_result, run_matrix

VIEWS = [View("text", "native"), View("text", "ocr"), View("none", "image"), View("text", "image")]


def few(view: View) -> Benchmark:
    """Twelve queries and the tables that answer them."""
    whole = load_benchmark("tarvir-mini", view=str(view))
    queries = np.arange(0, 240, 20)
    return whole.subset(queries, np.unique(np.concatenate([whole.positives[i] for i in queries])).astype(np.int64))


def test_every_pair_of_title_and_content_is_a_view_once() -> None:
    views = all_views()
    assert len(set(views)) == len(views) == 3 * 6 - 1
    assert all(view.text or view.pictures for view in views)
    assert {view.serialiser for view in all_views("rows") if "native" in view.content} == {"rows"}


def test_a_cell_is_run_only_where_the_model_reads_all_that_is_shown(tmp_path: Path) -> None:
    settings = Settings(cache=tmp_path, cost_items=0, measures=("R@1",))
    cells = list(run_matrix(few, ["bm25", "text", "random"], VIEWS, settings))
    assert [(cell.model, str(cell.view)) for cell in cells][:4] == [
        ("bm25", "title=text,content=native"),
        ("text", "title=text,content=native"),
        ("random", "title=text,content=native"),
        ("bm25", "title=text,content=ocr"),
    ]
    assert {(cell.model, str(cell.view)): cell.reason for cell in cells if cell.reason} == {
        ("bm25", "title=none,content=image"): "bm25 does not read the image",
        ("bm25", "title=text,content=image"): "bm25 does not read the image",
        ("text", "title=text,content=image"): "text does not read the image",
    }
    native, ocr = (cell.result for cell in cells if cell.model == "bm25" and cell.result)
    assert native.record["scores"]["global"]["all"]["R@1"]["value"] > 0.6
    assert native.record["benchmark"]["digest"] == ocr.record["benchmark"]["digest"]
    assert native.record["benchmark"]["media_digest"] != ocr.record["benchmark"]["media_digest"]
    ranking = compare_results([native, ocr])
    assert set(ranking.systems) == {"bm25 [title=text,content=native]", "bm25 [title=text,content=ocr]"}


def test_results_of_other_media_in_one_view_cannot_be_compared(tmp_path: Path) -> None:
    settings = Settings(cache=tmp_path, cost_items=0)
    benchmark = few(View("text", "native"))
    altered = replace(benchmark, documents=[replace(one, text=f"{one.text}!") for one in benchmark.documents])
    with pytest.raises(InputError, match="differ in their media"):
        compare_results([evaluate(one, "bm25", settings) for one in (benchmark, altered)])


def test_what_a_corpus_lacks_is_a_reason(tmp_path: Path) -> None:
    def load(view: View) -> Benchmark:
        raise InputError(f"no {view.content} here")

    cells = list(run_matrix(load, ["random"], VIEWS[:1], Settings(cache=tmp_path)))
    assert [(cell.result, cell.reason) for cell in cells] == [(None, "no native here")]


def test_texts_that_are_not_read_to_their_end_are_counted(tmp_path: Path) -> None:
    settings = Settings(cache=tmp_path, cost_items=0)
    first = evaluate(few(VIEWS[0]), "text", settings).record
    cut = first["cut"]["document"]
    assert 0 < cut["cut"] < cut["texts"] == first["benchmark"]["documents"]
    assert first["cut"]["query"]["cut"] == 0
    assert f"text does not read the text of {cut['cut']} of {cut['texts']} documents to its end" in first["warnings"]
    assert evaluate(few(VIEWS[0]), "text", settings).record["cut"] == first["cut"]  # from the store


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["mmret", "matrix", "-m", "bm25", "--limit", "20", "--cache", str(tmp_path / "cache"), "--json"]
    command += ["--view", "title=text,content=native", "--view", "title=none,content=image"]
    monkeypatch.setattr(sys, "argv", [*command, "--output", str(tmp_path / "out")])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 0
    ran, left = json.loads(capsys.readouterr().out)
    assert ran["scores"]["global"]["all"]["n"] == 20
    assert left == {
        "view": "title=none,content=image", "model": "bm25", "not run": "bm25 does not read the image"
    }  # fmt: skip
    assert load_result(tmp_path / "out" / "bm25_title=text,content=native").record["model"]["name"] == "bm25"
