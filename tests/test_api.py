"""`import mmret`: what a notebook sees."""

from __future__ import annotations

import doctest
import functools
import inspect
import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import mmret
from mmret.encoders import registry

from . import typed_usage
from .conftest import write_clip

EXAMPLES = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL
TEXT = frozenset({"text"})


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _own_folder(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MMRET_CACHE", str(cache))  # one for all: nothing here depends on what is kept


@pytest.fixture(scope="module")
def loads() -> Callable[..., mmret.Benchmark]:
    """`load_benchmark`, which reads a benchmark only once."""
    return functools.cache(mmret.load_benchmark)


@pytest.mark.parametrize("name", ["mmret", *mmret.__all__])
def test_the_examples_of_the_documentation_run(
    name: str, loads: Callable[..., mmret.Benchmark], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mmret, "load_benchmark", loads)
    monkeypatch.setattr(registry, "_CLASSES", registry.encoders())  # what an example registers goes with it
    thing = mmret if name == "mmret" else getattr(mmret, name)
    example = doctest.DocTestParser().get_doctest(inspect.getdoc(thing) or "", {}, name, None, None)
    assert example.examples, "a public name without an example"
    told: list[str] = []
    assert doctest.DocTestRunner(optionflags=EXAMPLES).run(example, out=told.append).failed == 0, "".join(told)


def test_the_import_brings_nothing_until_it_is_asked_for() -> None:
    script = """
import sys, mmret
assert not {"numpy", "pandas", "torch", "mmret.errors", "mmret.items"} & set(sys.modules)
assert dir(mmret) == mmret.__all__ == sorted(mmret.__all__)
assert not hasattr(mmret, "nothing") and mmret.__version__[0].isdigit()
from mmret import *
assert Result is mmret.Result and {name: eval(name) for name in mmret.__all__}
assert "torch" not in sys.modules and "mmret.cli" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_typed_uses_run(tmp_path: Path) -> None:
    typed_usage.use(tmp_path)


FLAT = """
import mmret
clips = [mmret.Item(name, video=mmret.Media(name + ".mp4")) for name in "ab"]
mine = mmret.make_benchmark("mine", [mmret.Item("q", text="rain")], clips, {"q": ["a"]}, needs=["video"])
result = mmret.evaluate(mine, "random", mmret.Settings(workers=1, cache="cache"))
print(result.record["excluded"])
"""


@pytest.mark.parametrize("way", ["file", "standard input"])
def test_a_session_without_a_guarded_main_module_decodes_media(way: str) -> None:
    for name in "ab":
        write_clip(Path(f"{name}.mp4"), seconds=0.5, frames=4)
    Path("flat.py").write_text(FLAT)
    script = {"file": "flat.py", "standard input": "-"}[way]
    done = subprocess.run([sys.executable, script], input=FLAT, capture_output=True, text=True, check=False)
    assert done.stdout == "{'documents': [], 'queries': []}\n", done.stderr
    assert done.stderr == ""  # neither progress nor warnings unless asked for


class Fixed:
    """Vectors that are given: of queries, one for each; of documents the unit vectors."""

    spec = mmret.Spec("fixed", "1", TEXT, TEXT, "", "MIT")

    def __init__(self, queries: Sequence[Sequence[float]]) -> None:
        self.queries, self.preprocessing, self.calls = queries, {}, 0

    def embed(self, items: Sequence[mmret.Item], side: str) -> NDArray[np.float32]:
        self.calls += 1
        vectors = {"query": self.queries, "document": np.eye(2)}[side]
        return np.asarray([vectors[int(item.id[1]) - 1] for item in items], np.float32)


QUICK = mmret.Settings(cost_items=0)


def test_a_model_of_ones_own_is_asked_anew_each_time(cache: Path) -> None:
    model = Fixed([[0, 1], [1, 0]])
    right = mmret.evaluate(typed_usage.benchmark(), model, QUICK)
    assert right["R@1"] == 1.0
    calls, model.queries = model.calls, [[1, 0], [0, 1]]  # the next epoch
    assert mmret.evaluate(typed_usage.benchmark(), model, QUICK)["R@1"] == 0.0
    assert model.calls > calls
    assert not list(cache.glob("vectors/fixed*"))
    assert right.record["settings"]["resolved"]["frames"] is None  # nobody knows
    assert right.record["settings"]["resolved"]["device"] == "cpu"
    assert json.loads(right.json())["model"]["name"] == "fixed"


@pytest.mark.parametrize(
    ("model", "settings", "message"),
    [
        (Fixed, QUICK, "Fixed is a class: give an object of it, or register it"),
        (object(), QUICK, "object is no model: it needs spec"),
        (Fixed([]), replace(QUICK, frames=4, dtype="float16"), "dtype, frames: decided when a model is made"),
        (Fixed([]), replace(QUICK, replicas=2), "only a model that has a name can be copied"),
    ],
)
def test_what_is_no_model_or_comes_too_late_for_one_is_refused(
    model: Any, settings: mmret.Settings, message: str
) -> None:
    with pytest.raises(mmret.InputError, match=message):
        mmret.evaluate(typed_usage.benchmark(), model, settings)


@pytest.mark.parametrize(
    ("misuse", "message"),
    [
        (lambda: mmret.Settings(measures="R@1"), r"measures takes a list: \['R@1'\]"),
        (lambda: mmret.Settings(reader="opencv"), "unknown reader 'opencv'"),
        (lambda: mmret.Settings(on_bad_media="ignore"), "unknown on_bad_media"),
        (lambda: mmret.evaluate("omnicvr-mimi", "random"), "unknown benchmark 'omnicvr-mimi'; did you mean"),
        (lambda: mmret.evaluate(typed_usage.benchmark(), "bm26"), "unknown model 'bm26'; did you mean bm25"),
        (lambda: mmret.load_encoder("bm26"), "unknown model"),
        (lambda: mmret.Item("a", image="a.png"), r"item a: give media as mmret.Media\(path\), not 'a.png'"),
        (lambda: mmret.compare("nowhere", "neither"), "nowhere/result.json: no such file"),
        (mmret.compare, "at least two results"),
        (lambda: mmret.read_run("nowhere"), "nowhere: no such file"),
        (lambda: mmret.read_qrels("nowhere"), "nowhere: no such file"),
        (lambda: mmret.load_benchmark("omnicvr-mini", "nowhere"), "nowhere: no such folder"),
    ],
)
def test_misuse_is_an_input_error(misuse: Callable[[], object], message: str) -> None:
    with pytest.raises(mmret.InputError, match=message):
        misuse()


@pytest.fixture(scope="module")
def result() -> mmret.Result:
    return mmret.evaluate(typed_usage.benchmark(), Fixed([[0, 1], [1, 0]]), QUICK)


def test_results_are_asked_saved_and_compared(result: mmret.Result) -> None:
    assert result.measures == ["R@1", "R@3", "R@5", "R@10", "MRR", "MedR"]
    assert (result["MRR"], result["MedR"]) == (1.0, 1.0)
    with pytest.raises(mmret.InputError, match="fixed on mine 1 was not scored by R@7; it has: R@1"):
        result["R@7"]
    with pytest.raises(mmret.InputError, match="unknown measure"):
        result["accuracy"]
    result.save("one")
    wrong = mmret.evaluate(typed_usage.benchmark(), Fixed([[1, 0], [0, 1]]), QUICK)
    ranking = mmret.compare("one", wrong)
    assert ranking.systems == {"fixed": 1.0, "fixed (2)": 0.0}
    assert ranking.to_frame()[["first", "second", "effect", "wins"]].to_numpy().tolist() == [
        ["fixed", "fixed (2)", 1.0, 2]
    ]
    with pytest.raises(mmret.InputError, match="unknown format 'html'"):
        mmret.export(result, "html")


def test_a_run_is_scored_against_a_benchmark_and_against_judgements(result: mmret.Result) -> None:
    mmret.write_run(result.run, "run.txt")
    Path("qrels.txt").write_text("q1 0 d2 1\nq2 0 d1 2\n")
    labels = mmret.read_qrels("qrels.txt")
    there = mmret.score_run("run.txt", typed_usage.benchmark(), measures=["R@1"])
    here = mmret.score_run(result.run, labels, measures=["R@1"])
    assert there.to_frame()["value"].tolist() == [1.0, 1.0]  # all, and the slice
    assert here.to_frame()["value"].tolist() == [1.0]
    assert "by chance" in repr(there)
    assert "by chance" not in repr(here)  # no candidates are known
    for wrong in (
        lambda: mmret.score_run(result.run, labels, protocols=["global"]),
        lambda: mmret.score_run(result.run, typed_usage.benchmark(), galleries={}),
        lambda: mmret.score_run(result.run, labels, missing="ignore"),
    ):
        with pytest.raises(mmret.InputError):
            wrong()


def test_tables_show_all_text_as_it_is(result: mmret.Result) -> None:
    evil = "<script>alert(1)</script>"
    record = json.loads(result.json())
    record["model"]["name"] = record["benchmark"]["view"] = evil
    record["warnings"] = [evil]
    record["scores"] = {evil: {"all": record["scores"]["global"]["all"], evil: record["scores"]["global"]["dogs"]}}
    shown = replace(result, record=record)
    assert "<script" not in shown._repr_html_()
    assert shown._repr_html_().count("&lt;script&gt;") == 5  # model, view, warning, protocol, slice
    assert repr(shown).count(evil) == 5
    ranking = mmret.compare(replace(shown, record=record | {"scores": result.scores}), result)
    assert "<script" not in ranking._repr_html_()
    assert "&lt;script&gt;" in ranking._repr_html_()


def test_a_table_says_source_chance_and_what_was_left_out(tmp_path: Path) -> None:
    documents = [mmret.Item(f"d{i}", text=text) for i, text in enumerate(("rain", "a dog", "a dog in the rain"), 1)]
    query = mmret.Item("q1", text="a dog")
    composed = mmret.make_benchmark(
        "mine", [query], documents, {"q1": ["d3"]}, sources={"q1": "d2"}, galleries={"q1": ["d1", "d2", "d3"]}
    )
    result = mmret.evaluate(composed, "bm25", replace(QUICK, measures=["R@1"]))
    lines = [" ".join(line.split()) for line in repr(result).splitlines()]
    assert lines == [
        "bm25 on mine 1: 1 queries, 3 documents",
        "n R@1 R@1 lost to source",
        "protocol slice",
        "gallery all 1 0.0 [0.0–79.3] 100.0 [20.7–100.0]",
        "(all, by chance) 33.3",
        "gallery-no-source all 1 100.0 [20.7–100.0] –",
        "(all, by chance) 50.0",
        "global all 1 0.0 [0.0–79.3] 100.0 [20.7–100.0]",
        "(all, by chance) 33.3",
        "percent with 95 % interval; MedR and MeanR are ranks",
    ]


def test_a_benchmark_is_made_of_lists_in_any_order() -> None:
    queries = [mmret.Item("q2", text="b"), mmret.Item("q1", text="a")]
    documents = [mmret.Item("d2", text="b"), mmret.Item("d3", text="c"), mmret.Item("d1", text="a")]
    made = mmret.make_benchmark(
        "mine",
        queries,
        documents,
        {"q1": {"d1": 2.0, "d2": 0}, "q2": ["d2"]},
        galleries={"q1": ["d1", "d3"], "q2": ["d2", "d1"]},
        sources={"q2": "d3"},
        slices={"late": {"q2"}},
    )
    assert [item.id for item in made.documents] == ["d1", "d2", "d3"]
    assert [one.tolist() for one in made.positives] == [[0], [1]]
    assert made.gains.tolist() == [2.0, 1.0]
    assert made.galleries is not None
    assert [one.tolist() for one in made.galleries] == [[0, 2], [0, 1]]
    assert made.source is not None
    assert made.source.tolist() == [-1, 2]
    assert {label: members.tolist() for label, members in made.slices.items()} == {"late": [1]}
    wrong: list[tuple[Mapping[str, Any], str]] = [
        ({"qrels": {"q1": ["d1"]}}, "queries without a right document: q2"),
        ({"qrels": {"q1": ["d1"], "q2": ["d9"]}}, "qrels: no document has the id d9"),
        ({"qrels": {"q1": ["d1"], "q2": ["d2"], "q9": ["d1"]}}, "qrels: no query has the id q9"),
        ({"galleries": {"q1": ["d1"]}}, "queries with a right document outside the gallery: q2"),
        ({"sources": {"q1": "d9"}}, "sources: no document has the id d9"),
        ({"slices": {"late": ["q9"]}}, "slices: no query has the id q9"),
        ({"documents": [*documents, documents[0]]}, "document ids given twice: d2"),
    ]
    for change, message in wrong:
        given = {"queries": queries, "documents": documents, "qrels": {"q1": ["d1"], "q2": ["d2"]}} | change
        with pytest.raises(mmret.InputError, match=message):
            mmret.make_benchmark("mine", **given)
