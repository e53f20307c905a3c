"""Tables from the Hub, in a real process against a server on the loopback, and through a whole evaluation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mmret.benchmarks import load_benchmark
from mmret.errors import InputError
from mmret.evaluation import Settings, evaluate

from .. import processes
from ..cli.in_process import mmret
from ..hub import Hub, serve
from .tarvir_files import write_mini, write_nq_tables, write_vidore


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    write_vidore(tmp_path / "far")
    (tmp_path / "far" / "README.md").write_text("no table")
    with serve({"vidore/tables": tmp_path / "far"}) as server:
        yield server


def test_a_dataset_of_the_hub_is_a_benchmark(hub: Hub) -> None:
    with pytest.raises(InputError, match="mmret benchmarks get hf:vidore/tables"):
        load_benchmark("hf:vidore/tables")
    done = processes.mmret("benchmarks", "get", "hf:vidore/tables", "--yes", **hub.environment)
    assert done.returncode == 0, done.stderr
    assert len(hub.sent) == 3  # and not the card
    benchmark = load_benchmark("hf:vidore/tables")
    assert (len(benchmark.queries), len(benchmark.documents)) == (2, 6)
    assert benchmark.name == "hf:vidore/tables"
    for name in ("hf:tables", "hf:vidore/others"):
        failed = processes.mmret("benchmarks", "get", name, "--yes", **hub.environment)
        assert failed.returncode in (1, 2)
        assert "Traceback" not in failed.stderr


def test_published_rows_say_where_they_come_from(capfd: pytest.CaptureFixture[str]) -> None:
    for name, words in {
        "tarvir": ("94.23", "75.62", "82.3", "an unknown number of queries", "not checked against its PDF"),
        "nq-tables": ("81.1", "97.17", "not comparable with TaR-ViR's", "protocol is suspected"),
    }.items():
        code, out, err = mmret(capfd, "benchmarks", "show", name, "--published")
        assert code == 0, err
        text = " ".join(out.split())
        assert all(word in text for word in ("PUBLISHED, not measured by mmret", *words))


def test_verify_lists_the_defects_and_lets_one_go_on(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = write_nq_tables(tmp_path / "nq")
    code, out, _ = mmret(capfd, "benchmarks", "verify", str(folder), "--json")
    assert code == 1
    assert {what: len(names) for what, names in json.loads(out)["defects"].items()}.items() >= {
        ("query ids given twice", 2),
        ("query id with two questions", 1),
        ("positive is no table", 1),
        ("table is empty", 1),
        ("document ids given twice", 1),
    }
    assert len(load_benchmark(str(folder)).queries) == 8


@pytest.mark.parametrize("view", ["title=text,content=native", "title=none,content=ocr", "title=image,content=image"])
def test_a_view_is_evaluated(view: str, tmp_path: Path) -> None:
    benchmark = load_benchmark(str(write_mini(tmp_path / "own")), view=view)
    model = "random" if "image" in view else "bm25"
    result = evaluate(benchmark, model, Settings())
    entry = result.record["scores"]["global"]
    assert entry["all"]["n"] == 3
    assert "area:hard" in entry
    assert result.record["benchmark"]["digest"] == benchmark.digest
