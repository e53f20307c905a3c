from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from mmret.config import read
from mmret.paths import cache_folder, data_folder

from .in_process import mmret


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder of one's own; the user's own file lies in `settings/mmret` of it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    (tmp_path / "settings" / "mmret").mkdir(parents=True)
    return tmp_path


def test_the_nearest_word_counts(
    capfd: pytest.CaptureFixture[str], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "run.txt").write_text("query Q0 document 1 1.0 mine\n")

    def tag(*options: str) -> str:
        code, _, err = mmret(capfd, "convert", "run.txt", "copy.txt", *options)
        assert code == 0, err
        return (here / "copy.txt").read_text().split()[-1]

    assert tag() == "mmret"
    (here / "settings" / "mmret" / "config.toml").write_text('[convert]\ntag = "user"\n')
    read.cache_clear()
    assert tag() == "user"
    (here / "mmret.toml").write_text('[convert]\ntag = "folder"\n')
    read.cache_clear()
    assert tag() == "folder"
    monkeypatch.setenv("MMRET_CONVERT_TAG", "variable")
    assert tag() == "variable"
    assert tag("--tag", "option") == "option"


def test_settings_of_a_file_stand_in_the_result(
    capfd: pytest.CaptureFixture[str], here: Path, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MMRET_CACHE")
    lines = ('cache = "kept"', "[eval]", "frames = 2", "cost-items = 0", 'measure = "R@1"', 'drop = ["audio"]')
    (here / "mmret.toml").write_text("\n".join((*lines, "json = true")))
    code, out, _ = mmret(capfd, "eval", "-b", str(small), "-m", "random")
    assert code == 0
    passed = json.loads(out)["settings"]["passed"]
    wanted = {"frames": 2, "cost_items": 0, "measures": ["R@1"], "drop": ["audio"], "cache": str(here / "kept")}
    assert passed == wanted
    assert (here / "kept").is_dir()


def test_folders_of_a_file(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(here / "home"))
    (here / "mmret.toml").write_text('cache = "kept"\n')
    (here / "settings" / "mmret" / "config.toml").write_text('cache = "other"\ndata = "~/sets"\n')
    assert cache_folder() == here / "cache"  # MMRET_CACHE
    assert data_folder("mine") == here / "data" / "mine"  # MMRET_DATA
    monkeypatch.delenv("MMRET_CACHE")
    monkeypatch.setenv("MMRET_DATA", "")
    assert cache_folder() == here / "kept"
    assert cache_folder(Path("given")) == Path("given")
    assert data_folder("mine") == here / "home" / "sets" / "mine"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[evla]\nseed = 1", "mmret.toml: unknown key 'evla'; did you mean eval"),
        ("[eval]\nbatchsize = 1", "mmret.toml: [eval] unknown key 'batchsize'; did you mean batch-size"),
        ("[eval.model]\nname = 1", "[eval.model] is no table of a command"),
        ("seed = 1", "mmret.toml: unknown key 'seed'"),
        ("eval = 1", "[eval]"),
        ("[cache.gc]\nmax-gb = 1", "cache takes the path of a folder"),
        ("cache = 1", "cache takes the path of a folder, not 1"),
        ("token = 'abc'", "token: secrets do not belong in a file"),
        ("[eval]\napi_key = 'abc'", "set the environment variable: HF_TOKEN or "),
        ("[eval]\nseed = 'x'", "mmret.toml)"),
        ("[eval]\nseed = [1]", "mmret.toml)"),
        ("[eval\n", "mmret.toml: Expected"),
    ],
)
def test_faults_in_a_file_are_named(
    capfd: pytest.CaptureFixture[str], here: Path, monkeypatch: pytest.MonkeyPatch, text: str, words: str
) -> None:
    monkeypatch.delenv("MMRET_CACHE")
    monkeypatch.setenv("COLUMNS", "400")
    (here / "mmret.toml").write_text(text)
    code, out, err = mmret(capfd, "eval", "-b", "nowhere", "-m", "random")
    assert (code, out) == (2, "")
    assert words in err
    assert "abc" not in err


def test_faults_in_tables_of_groups_are_named(capfd: pytest.CaptureFixture[str], here: Path) -> None:
    for text, words in (
        (
            "[submit.upload]\ntoken = 'abc'",
            "secrets do not belong in a file; set the environment variable: MMRET_BOARD_TOKEN\n",
        ),
        ("[submit.uplod]\nurl = 'x'", "[submit] unknown key 'uplod'; did you mean upload"),
        ("[submit]\nurl = 'x'", "[submit] unknown key 'url'; known: check, pack, upload"),
        ("[submit.check]\nfile = 'x'", "[submit.check] unknown key 'file'"),  # an argument is none
    ):
        read.cache_clear()
        (here / "mmret.toml").write_text(text)
        code, out, err = mmret(capfd, "submit", "check", "x")
        assert (code, out) == (2, "")
        assert words in err


def test_a_faulty_variable_is_named(
    capfd: pytest.CaptureFixture[str], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setenv("MMRET_EVAL_BATCH_SIZE", "many")
    code, _, err = mmret(capfd, "eval", "-b", "nowhere", "-m", "random")
    assert code == 2
    assert "'--batch-size'" in err
    assert "by the environment variable MMRET_EVAL_BATCH_SIZE" in err


def test_a_faulty_file_is_named_to_who_runs_the_module(
    capfd: pytest.CaptureFixture[str], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.delenv("MMRET_CACHE")
    monkeypatch.setattr(sys.modules["__main__"], "__package__", "mmret", raising=False)  # as by python -m mmret
    (here / "mmret.toml").write_text("[eval]\nseed = 'x'")
    code, _, err = mmret(capfd, "eval", "-b", "nowhere", "-m", "random")
    assert code == 2
    assert "mmret.toml)" in err


def test_commands_of_a_group_have_tables(capfd: pytest.CaptureFixture[str], here: Path) -> None:
    (here / "mmret.toml").write_text("[benchmarks.list]\njson = true\n")
    assert "omnicvr-mini" in json.loads(mmret(capfd, "benchmarks", "list")[1])
