from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from mmret.cli import doctor_machine
from mmret.cli.doctor_machine import Finding

from .in_process import mmret


def test_what_is_here_is_told(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cache").mkdir()
    with (tmp_path / "cache" / "vectors").open("wb") as file:
        file.truncate(250_000_000)
    Path("mmret.toml").write_text("[eval]\nseed = 1\nframes = 4\n")
    for name, value in {"OPENAI_API_KEY": "hidden", "MMRET_EVAL_SEED": "7", "MMRET_EVIL_SEED": "7"}.items():
        monkeypatch.setenv(name, value)
    code, out, _ = mmret(capfd, "doctor", "--json", "--require", "offline")
    assert code == 0
    assert "hidden" not in out
    told = json.loads(out)
    assert told["extras"]["offline"] == {"found": "complete", "good": True, "mend": ""}
    assert told["models"]["bm25"]["found"] == "ready"
    assert told["models"]["clap"]["mend"].startswith("hf download laion/")
    assert told["models"]["python"]["found"] == "ready; name package.module:Class"
    assert "0.25 GB" in told["folders"]["cache"]["found"]
    assert told["settings"]["cache"]["found"] == f"{tmp_path / 'cache'}, by MMRET_CACHE"
    assert told["settings"]["[eval] frames"]["found"] == f"4, by {tmp_path / 'mmret.toml'}"
    assert told["settings"]["[eval] seed"]["found"].endswith("overruled by MMRET_EVAL_SEED")
    assert told["environment"]["OPENAI_API_KEY"]["found"] == "set"
    assert told["environment"]["HF_TOKEN"]["found"] == "not set"
    assert told["environment"]["MMRET_EVAL_SEED"]["found"] == "7, --seed of mmret eval"
    assert "did you mean MMRET_EVAL_SEED" in told["environment"]["MMRET_EVIL_SEED"]["mend"]
    assert told["environment"]["offline"]["good"]
    assert "torch" in told["python"]


def test_what_is_required_and_missing_ends_with_1(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def version(name: str) -> str:
        if name == "ray":
            raise PackageNotFoundError
        return "0.1" if name == "openai" else "3000" if name == "numpy" else "1000"

    monkeypatch.chdir(tmp_path)
    Path("mmret.toml").write_text("[eval\n")
    monkeypatch.setattr(doctor_machine, "version", version)
    code, out, err = mmret(capfd, "doctor", "--require", "ray")
    assert code == 1
    assert "lacks ray: pip install 'mmret[ray]'" in out
    assert "openai<3,>=2 (here: 0.1)" in out
    assert err.startswith("mmret: ray lacks ray: pip install 'mmret[ray]'")
    assert "mmret.toml: Expected" in out
    code, out, err = mmret(capfd, "doctor", "--require", "raye")
    assert (code, out) == (2, "")
    assert "did you mean ray" in err


def test_torch_is_asked_for_graphics_processors() -> None:
    def answer(code: str) -> Finding:
        asked = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        return doctor_machine.machine(asked)["gpu"]

    assert answer("print('A, 80.0 GB'); print('B, 40.0 GB')") == Finding("A, 80.0 GB; B, 40.0 GB")
    assert not answer("raise SystemExit(1)").good
    assert doctor_machine.machine(None)["gpu"].good


def test_a_large_folder_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MMRET_CACHE", str(tmp_path))
    monkeypatch.setattr(doctor_machine, "SECONDS_TO_COUNT", -1.0)
    assert "more than 0.00 GB" in doctor_machine.folders()["cache"].found
