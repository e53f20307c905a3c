"""Models from outside: a class by its name, and a package with an entry point, generated, installed and run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mmret.cli import app
from mmret.encoders import Encoder, Options, create_encoder, fingerprint, registry
from mmret.encoders.skeleton import skeleton, write_skeleton
from mmret.errors import InputError, RunError
from mmret.evaluation import Settings, evaluate
from mmret.items import Item
from mmret.media import Workers

MINE = '''
import numpy as np
from mmret.encoders import Spec

class Mine:
    """Counts letters."""
    spec = Spec("mine", "1", frozenset({"text"}), frozenset({"text", "video"}), "letters", "MIT")

    def __init__(self, options):
        self.preprocessing = {"greeting": options.choices.get("greeting", "hello")}

    def embed(self, items, side):
        return np.array([[1, len(item.text or "")] for item in items], np.float32)

class Wordless:
    pass

class Greedy(Mine):
    def __init__(self, options, more):
        pass

class Embedless:
    spec = Mine.spec
    def __init__(self, options):
        self.preprocessing = {}
'''


@pytest.fixture
def options(workers: Workers) -> Options:
    return Options(workers)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A module in the working folder."""
    name = "my_own_model"
    (tmp_path / f"{name}.py").write_text(MINE)
    (tmp_path / "broken_model.py").write_text("import no_such_module")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield name
    sys.modules.pop(name, None)


def test_a_class_needs_no_registration(module: str, options: Options, small: Path, tmp_path: Path) -> None:
    model = create_encoder(f"python:{module}:Mine", replace(options, choices={"greeting": "hi"}))
    assert isinstance(model, Encoder)
    assert model.spec.name == f"python:{module}:Mine"
    assert model.preprocessing == {"greeting": "hi"}
    assert model.embed([Item("a", text="four")], "query").tolist() == [[1, 4]]
    result = evaluate(str(small), f"python:{module}:Mine", Settings(cache=tmp_path / "cache", device="cpu"))
    assert result.record["model"]["name"] == f"python:{module}:Mine"
    with pytest.raises(InputError, match="has no volume to choose"):
        create_encoder(f"python:{module}:Mine", replace(options, choices={"volume": "1"}))


def test_edited_code_is_another_model(module: str, options: Options, tmp_path: Path) -> None:
    before = create_encoder(f"python:{module}:Mine", options)
    sys.modules.pop(module)
    (tmp_path / f"{module}.py").write_text(MINE.replace("[[1, len", "[[2, len"))
    assert fingerprint(create_encoder(f"python:{module}:Mine", options)) != fingerprint(before)


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("python", "needs package.module:Class"),
        ("python:my_own_model", "name a module and a class"),
        ("python:my-own/model:Mine", "name a module and a class"),
        ("python:my_own_model:Yours", "has no class Yours"),
        ("python:no_such_module_here:Mine", "cannot be imported: ModuleNotFoundError"),
        ("python:sys:Mine", "module sys .* has no class Mine"),
        ("python:sys:exit", "module sys .* has no class exit"),
        ("python:broken_model:Mine", "cannot be imported: ModuleNotFoundError: No module named 'no_such_module'"),
        ("python:my_own_model:Wordless", "needs an attribute spec"),
        ("python:my_own_model:Greedy", "is made with one argument"),
        ("python:my_own_model:Embedless", "needs spec, preprocessing, and a method"),
    ],
)
def test_what_is_no_model_is_said(module: str, options: Options, reference: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        create_encoder(reference, options)


def test_a_package_that_cannot_register_its_models_is_named(
    options: Options, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = [EntryPoint("theirs", "broken_model", "mmret.encoders")]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    with pytest.raises(RunError, match=r"broken_model cannot be registered: ModuleNotFoundError: .* package theirs"):
        create_encoder("random", options)


def test_a_generated_package_installs_tests_itself_and_is_found(small: Path, tmp_path: Path) -> None:
    """As a user does it: mmret models new, pip install, pytest, mmret eval."""
    project, site = tmp_path / "project", tmp_path / "site"
    environment = os.environ | {"PYTHONPATH": str(site)}

    def run(*command: str) -> str:
        done = subprocess.run(
            [sys.executable, *command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    written = CliRunner().invoke(app, ["models", "new", "my-model", "--output", str(project)])
    assert written.exit_code == 0
    assert sorted(written.stdout.split()) == sorted(str(path) for path in project.iterdir())
    pip = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    run(*pip, "--target", str(site), str(project))
    assert (site / "my_model.py").is_file()
    assert "1 passed" in run("-m", "pytest", "-p", "no:cacheprovider", str(project / "test_my_model.py"))
    printed = run("-m", "mmret", "eval", "--bench", str(small), "--model", "my-model", "--device", "cpu", "--json")
    record = json.loads(printed)
    assert record["model"]["name"] == "my-model"
    assert record["scores"]["gallery"]["all"]["n"] == 6


def test_a_package_needs_a_name_that_can_be_one(tmp_path: Path) -> None:
    assert set(skeleton("my-model")) == {"pyproject.toml", "my_model.py", "test_my_model.py", "README.md"}
    for name in ("My-Model", "2nd", "a b", "class", "", "../x", "modèle", "_", "-a", "a-"):
        with pytest.raises(InputError, match="cannot be the name"):
            skeleton(name)
    for name in ("clip", "numpy"):
        with pytest.raises(InputError, match="is taken"):
            write_skeleton(name, tmp_path / "taken")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("")
    with pytest.raises(InputError, match="full: exists already"):
        write_skeleton("my-model", tmp_path / "full")
