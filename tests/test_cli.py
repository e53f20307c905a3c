from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mmret.encoders import encoders, register_encoder, registry
from mmret.evaluation import load_result

from .cli.in_process import mmret
from .evaluation.wordy import Overlap, Words


def test_eval_writes_the_result_and_prints_a_table(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    output = tmp_path / "out"
    code, out, err = mmret(capfd, "eval", "--bench", "omnicvr-mini", "--model", "random", "--output", str(output))
    assert code == 0
    for words in ("gallery-no-source", "global", "audio-center/speech", "R@10", "MedR", "it comes first", "by chance"):
        assert words in out
    assert "preflight" in err
    assert "item/s" in err
    assert str(output) in err
    assert load_result(output).record["model"]["name"] == "random"


def test_json_is_all_that_stdout_holds(capfd: pytest.CaptureFixture[str], small: Path) -> None:
    code, out, _ = mmret(
        capfd, "eval", "-b", str(small), "-m", "random", "--json", "--protocol", "global", "--measure", "nDCG@3",
        "--drop", "video", "--drop", "audio", "--limit", "4", "--frames", "2",
    )  # fmt: skip
    assert code == 0
    record = json.loads(out)
    assert list(record["scores"]) == ["global"]
    assert record["scores"]["global"]["all"]["n"] == 4
    assert "nDCG@3" in record["scores"]["global"]["all"]
    assert record["settings"]["resolved"]["drop"] == ["video", "audio"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["eval", "--bench", "omnicvr-mnii", "--model", "random"], 2, "did you mean omnicvr-mini"),
        (["eval", "--bench", "omnicvr-mini", "--model", "tagbrdge"], 2, "did you mean tagbridge"),
        (["eval", "--bench", "./nowhere", "--model", "random"], 2, "no such folder"),
        (["eval", "--bench", "omnicvr-mini", "--model", "random", "--measure", "R@"], 2, "unknown measure"),
        (["eval", "--bench", "omnicvr-mini", "--model", "random", "--drop", "smell"], 2, "smell"),
        (["eval", "--model", "random"], 2, "--bench"),
        (["models", "show", "clop"], 2, "unknown model 'clop'"),
        (["benchmarks", "show", "omnicvr-maxi"], 2, "did you mean omnicvr-mini"),
        (["benchmarks", "verify", "omnicvr"], 2, "fetch it: mmret benchmarks get omnicvr"),
        (["benchmarks", "get", "omnicvr-mini"], 2, "unknown benchmark to fetch"),
        (["eval", "--bench", "omnicvr-mini", "--model", "random", "--set", "prompt"], 2, "--set takes NAME=VALUE"),
        (["eval", "--bench", "omnicvr-mini", "--model", "random", "--dtype", "int4"], 2, "unknown dtype"),
        (["evil"], 2, "evil"),
    ],
)
def test_misuse_ends_with_2_and_words(
    capfd: pytest.CaptureFixture[str], arguments: list[str], code: int, words: str
) -> None:
    found, out, err = mmret(capfd, *arguments)
    assert found == code
    assert words in err
    assert "Traceback" not in err
    assert out == ""


def test_a_failed_run_ends_with_1(capfd: pytest.CaptureFixture[str], small: Path) -> None:
    (small / "videos" / "clip-2.mp4").unlink()
    arguments = ["eval", "--bench", str(small), "--model", "random"]
    code, _, err = mmret(capfd, *arguments, "--on-bad-media", "fail")
    assert code == 1
    assert "clip-2.mp4 (the file is missing)" in err
    assert "Traceback" not in err
    code, _, err = mmret(capfd, *arguments)
    assert code == 0
    assert "excluded document clip-2: the file is missing" in err
    assert "excluded query query-1: its target clip-2 is excluded" in err
    assert "excluded query query-2: its source clip-2 is excluded" in err


def test_an_output_that_cannot_be_written_is_said(capfd: pytest.CaptureFixture[str], small: Path) -> None:
    for folder in (small / "benchmark.json", small / "benchmark.json" / "below" / "it"):
        code, _, err = mmret(capfd, "eval", "-b", str(small), "-m", "random", "-o", str(folder))
        assert code == 2
        assert "benchmark.json: is a file" in err
        assert "queries" not in err  # said before the work, not after it


def test_lists_and_cards(capfd: pytest.CaptureFixture[str], small: Path) -> None:
    assert "omnicvr-mini" in mmret(capfd, "benchmarks", "list")[1]
    models = mmret(capfd, "models", "list")[1]
    for name in ("random", "tagbridge", "text"):
        assert name in models
    listed = {entry["name"]: entry for entry in json.loads(mmret(capfd, "models", "list", "--json")[1])}
    assert listed["text"]["query"] == ["text"]
    assert listed["tagbridge"]["install"] == "pip install 'mmret[offline]'"
    shown = mmret(capfd, "models", "show", "tagbridge")[1]
    assert "ImageNet-1k, AudioSet" in shown
    mini = mmret(capfd, "benchmarks", "show", "omnicvr-mini")[1]
    assert "150 of 150 queries with a source" in mini
    assert "Big Buck Bunny" in mini
    own = json.loads(mmret(capfd, "benchmarks", "show", str(small), "--json")[1])
    assert own["slices"] == {"even": 3, "odd": 3}


def test_models_say_how_they_score(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    encoders()
    monkeypatch.setattr(registry, "_CLASSES", dict(registry._CLASSES))
    register_encoder(Words)
    register_encoder(Overlap)
    models = mmret(capfd, "models", "list")[1].splitlines()
    for name, scoring in (("words", "maxsim"), ("overlap", "pairs"), ("random", "dot")):
        assert any(line.split()[0] == name and scoring in line.split() for line in models if line.split())
        assert re.search(rf"scoring +{scoring}\n", mmret(capfd, "models", "show", name)[1])


def test_the_installed_command_answers_without_heavy_imports() -> None:
    script = Path(sys.executable).parent / "mmret"
    help_ = subprocess.run([script, "--help"], capture_output=True, text=True, check=True)
    assert "Evaluate a model on a benchmark" in help_.stdout
    code = "import sys, mmret.cli; print([m for m in ('torch', 'pandas', 'numpy', 'av') if m in sys.modules])"
    heavy = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert heavy.stdout.strip() == "[]"
    module = subprocess.run(
        [sys.executable, "-m", "mmret", "benchmarks", "list"], capture_output=True, text=True, check=True
    )
    assert "omnicvr-mini" in module.stdout


def test_runs_are_scored_converted_and_exported(capfd: pytest.CaptureFixture[str], small: Path, tmp_path: Path) -> None:
    output, trec, qrels = tmp_path / "out", tmp_path / "run.txt.gz", tmp_path / "qrels.txt"
    assert mmret(capfd, "eval", "-b", str(small), "-m", "random", "-o", str(output))[0] == 0
    assert mmret(capfd, "convert", str(output / "run.parquet"), str(trec))[0] == 0
    qrels.write_text("".join(f"query-{i} 0 clip-{(i + 1) % 6} 1\n" for i in range(6)))
    per_query = tmp_path / "values.csv"
    arguments = ["score", "--run", str(trec), "--qrels", str(qrels), "--per-query", str(per_query)]
    code, out, _ = mmret(capfd, *arguments, "--json")
    assert code == 0
    assert (
        json.loads(out)["scores"]["MRR"]["value"]
        == (load_result(output).record["scores"]["gallery"]["all"]["MRR"]["value"])
    )
    assert len(per_query.read_text().splitlines()) == 7
    assert "ties worst" in mmret(capfd, *arguments)[1]
    code, out, err = mmret(capfd, *arguments[:-1], str(qrels / "values.csv"))
    assert (code, out) == (1, "")
    assert "values.csv: cannot be written" in err
    with qrels.open("a") as file:
        file.write("query-9 0 clip-1 1\n")
    code, _, err = mmret(capfd, *arguments)
    assert code == 2
    assert "query-9" in err
    assert "--missing zero" in err
    assert "count 0" in mmret(capfd, *arguments, "--missing", "zero")[2]
    qrels.write_text("query-0 0 another-clip 1\n")  # which the run does not list
    code, out, _ = mmret(capfd, *arguments, "--unknown", "ignore", "--json")
    assert code == 0
    assert json.loads(out, parse_constant=pytest.fail)["scores"]["MedR"]["value"] is None
    for form, words in (
        ("markdown", "| gallery | all |"),
        ("latex", "toprule"),
        ("csv", "protocol,slice"),
        ("mteb", "{"),
    ):
        code, out, _ = mmret(capfd, "export", str(output), "--format", form)
        assert code == 0
        assert words in out
    assert mmret(capfd, "export", str(output), "--format", "word")[0] == 2


def test_a_run_is_scored_against_a_benchmark(capfd: pytest.CaptureFixture[str], small: Path, tmp_path: Path) -> None:
    run, per_query = tmp_path / "out" / "run.parquet", tmp_path / "values.csv"
    assert mmret(capfd, "eval", "-b", str(small), "-m", "random", "-o", str(run.parent))[0] == 0
    arguments = ["score", "--run", str(run), "--bench", str(small)]
    code, out, _ = mmret(capfd, *arguments, "--json", "--per-query", str(per_query))
    assert code == 0
    scores = json.loads(out)["scores"]
    assert scores == {name: load_result(run.parent).record["scores"][name] for name in ("gallery", "gallery-no-source")}
    assert len(per_query.read_text().splitlines()) == 13
    assert "gallery-no-source" in mmret(capfd, *arguments)[1]
    code, _, err = mmret(capfd, *arguments, "--protocol", "gallery", "--protocol", "global")
    assert code == 0
    qrels = tmp_path / "qrels"
    qrels.write_text("query-0 0 clip-1 1\n")
    for wrong, words in (
        ([*arguments, "--qrels", str(qrels)], "either --qrels FILE or --bench NAME"),
        (["score", "--run", str(run)], "either --qrels FILE or --bench NAME"),
        ([*arguments, "--gallery", str(qrels)], "--gallery goes with --qrels"),
        (["score", "--run", str(run), "--qrels", str(qrels), "--protocol", "global"], "go with --bench"),
        ([*arguments, "--protocol", "globe"], "choose from: gallery"),
    ):
        code, out, err = mmret(capfd, *wrong)
        assert code == 2
        assert words in err
        assert out == ""


def test_results_are_compared(capfd: pytest.CaptureFixture[str], small: Path, tmp_path: Path) -> None:
    for seed in (0, 1):
        output = str(tmp_path / str(seed))
        assert mmret(capfd, "eval", "-b", str(small), "-m", "random", "--seed", str(seed), "-o", output)[0] == 0
    folders = [str(tmp_path / "0"), str(tmp_path / "1")]
    code, out, _ = mmret(capfd, "compare", *folders)
    assert code == 0
    assert "group" in out
    assert "win/tie/loss" in out
    first = mmret(capfd, "compare", *folders, "--json", "--measure", "MRR", "--protocol", "global")[1]
    assert mmret(capfd, "compare", *folders, "--json", "--measure", "MRR", "--protocol", "global")[1] == first
    assert json.loads(first)["queries"] == 6
    code, _, err = mmret(capfd, "compare", folders[0], str(tmp_path / "nowhere"))
    assert code == 2
    assert "nowhere" in err


def test_an_interrupted_run_says_how_to_go_on(tmp_path: Path) -> None:
    script = Path(sys.executable).parent / "mmret"
    command = [script, "eval", "--bench", "omnicvr-mini", "--model", "tagbridge", "--cache", tmp_path]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stderr is not None
        seen = ""
        while "preflight" not in seen:
            more = process.stderr.read(1)
            assert more, f"ended before it could be interrupted: {seen}"
            seen += more
        os.killpg(process.pid, signal.SIGINT)
        err = process.stderr.read()
    assert process.returncode == 130
    assert "interrupted; what was done is kept" in err
    assert "Traceback" not in err
