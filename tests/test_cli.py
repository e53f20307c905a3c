from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mmret import cli
from mmret.evaluation import load_result


def mmret(capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Run the command in this process: its exit code, stdout and stderr."""
    code = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["mmret", *arguments])
        try:
            cli.main()
        except SystemExit as stop:
            code = int(stop.code or 0)
    out, err = capfd.readouterr()
    return code, out, err


def test_eval_writes_the_result_and_prints_a_table(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    output = tmp_path / "out"
    code, out, err = mmret(capfd, "eval", "--bench", "omnicvr-mini", "--model", "random", "--output", str(output))
    assert code == 0
    for words in ("gallery-no-source", "global", "audio-center/speech", "R@10", "MedR", "source@1", "by chance"):
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
        (["benchmarks", "show", "omnicvr"], 2, "did you mean omnicvr-mini"),
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
    code, _, err = mmret(capfd, "eval", "-b", str(small), "-m", "random", "-o", str(small / "benchmark.json"))
    assert code == 2
    assert "is a file" in err


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
