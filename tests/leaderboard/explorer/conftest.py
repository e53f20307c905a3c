"""Real results of cheap models, made once a session by the evaluator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mmret.benchmarks import Benchmark, load_benchmark
from mmret.encoders import Options, Spec, encoders, registry
from mmret.evaluation import Settings, evaluate
from mmret.items import Item, Side
from mmret.leaderboard.explorer import Study

from ...evaluation.wordy import Overlap, Words

NATIVE = "title=text,content=native"


class Echo:
    """Finds a clip by its own bytes, so that a query's source comes first wherever it competes."""

    spec = Spec("echo", "1", frozenset({"video"}), frozenset({"video"}), "a clip's digest", "Apache-2.0")

    def __init__(self, options: Options) -> None:
        self.preprocessing: Mapping[str, Any] = {}

    def embed(self, items: Sequence[Item], side: Side) -> NDArray[np.float32]:
        media = [item.video for item in items]
        seeds = [0 if one is None else int(one.digest, 16) for one in media]
        return np.stack([np.random.default_rng(seed).standard_normal(32).astype(np.float32) for seed in seeds])


@pytest.fixture(autouse=True)
def models(monkeypatch: pytest.MonkeyPatch) -> None:
    """The models of these tests can be named, in them alone."""
    name_models(monkeypatch)


def name_models(monkeypatch: pytest.MonkeyPatch) -> None:
    encoders()
    monkeypatch.setattr(registry, "_CLASSES", dict(registry._CLASSES))
    for model in (Echo, Words, Overlap):
        monkeypatch.setitem(registry._CLASSES, model.spec.name, model)


@pytest.fixture(scope="session")
def clip_results(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> list[Path]:
    """omnicvr-mini by "random" and "echo"."""
    folder = tmp_path_factory.mktemp("clips")
    with pytest.MonkeyPatch.context() as patch:
        name_models(patch)
        return [_saved("omnicvr-mini", model, folder, cache) for model in ("random", "echo")]


@pytest.fixture(scope="session")
def table_results(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> list[Path]:
    """tarvir-mini as native text by "random" and "bm25"."""
    folder = tmp_path_factory.mktemp("tables")
    benchmark = load_benchmark("tarvir-mini", view=NATIVE)
    return [_saved(benchmark, model, folder, cache) for model in ("random", "bm25")]


def _saved(benchmark: Benchmark | str, model: str, folder: Path, cache: Path) -> Path:
    evaluate(benchmark, model, Settings(cache=cache, cost_items=0)).save(folder / model)
    return folder / model


@pytest.fixture(scope="session")
def clips(clip_results: list[Path]) -> Study:
    return Study.open(clip_results)


@pytest.fixture(scope="session")
def tables(table_results: list[Path]) -> Study:
    return Study.open(table_results)
