"""`import mmret`: what a notebook sees."""

from __future__ import annotations

import doctest
import functools
import inspect
from collections.abc import Callable
from pathlib import Path

import pytest

import mmret
from mmret.encoders import registry

EXAMPLES = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL


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
