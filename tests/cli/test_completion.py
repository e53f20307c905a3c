from __future__ import annotations

from pathlib import Path

import pytest

from .in_process import mmret


def complete(capfd: pytest.CaptureFixture[str], line: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What bash is offered for the last word of a line."""
    monkeypatch.setenv("_MMRET_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
    code, out, err = mmret(capfd)
    assert (code, err) == (0, "")
    return out.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("mmret ev", ["eval"]),
        ("mmret board to", ["token"]),
        ("mmret board token re", ["revoke"]),
        ("mmret eval --ba", ["--batch-size", "--backbone"]),
        ("mmret eval --reader py", ["pyav"]),
        ("mmret eval --bench omnicvr-m", ["omnicvr-mini"]),
        ("mmret benchmarks show tarvir-m", ["tarvir-mini"]),
        ("mmret eval --bench ./om", []),  # left to bash, which knows files
        ("mmret eval -b tarvir-mini --model tagb", ["tagbridge"]),
        ("mmret models show bm", ["bm25"]),
    ],
)
def test_words_are_completed(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, line: str, offered: list[str]
) -> None:
    assert complete(capfd, line, monkeypatch) == offered


def test_a_faulty_file_of_settings_does_not_hinder(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mmret.toml").write_text("[eval\n")
    assert complete(capfd, "mmret eval --over", monkeypatch) == ["--overwrite"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, shell: str
) -> None:
    monkeypatch.setenv("_MMRET_COMPLETE", f"source_{shell}")
    code, out, _ = mmret(capfd)
    assert code == 0
    assert f"complete_{shell}" in out
