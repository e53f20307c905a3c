"""Uses of the public interface that `mypy --strict` accepts, and misuses that it refuses.

It reads nothing but what is installed: `mypy --strict typed_usage.py` checks a wheel, `python typed_usage.py` runs it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import mmret
from mmret.items import Side


class Letters:
    """An encoder of one's own."""

    def __init__(self, options: mmret.Options | None = None) -> None:
        self.spec = mmret.Spec("letters", "1", frozenset({"text"}), frozenset({"text"}), "counts letters", "MIT")
        self.preprocessing = {"letters": "etaoin"}

    def embed(self, items: Sequence[mmret.Item], side: Side) -> NDArray[np.float32]:
        """How often each letter occurs, float32 `(len(items), 6)`."""
        return np.asarray([[(item.text or "").count(letter) for letter in "etaoin"] for item in items], np.float32)


def benchmark() -> mmret.Benchmark:
    """A benchmark of one's own."""
    queries = [mmret.Item("q1", text="a dog barks"), mmret.Item("q2", text="rain")]
    documents = [mmret.Item("d1", text="rain on a roof"), mmret.Item("d2", text="the dog barks at night")]
    return mmret.make_benchmark("mine", queries, documents, {"q1": ["d2"], "q2": {"d1": 2.0}}, slices={"dogs": ["q1"]})


def use(folder: Path) -> None:
    """Each name once."""
    version: str = mmret.__version__
    assert version
    mine, settings = benchmark(), mmret.Settings(limit=2, measures=["R@1", "MRR"], cache=folder / "cache")
    bm25: mmret.Result = mmret.evaluate(mine, "bm25", settings)
    letters: mmret.Result = mmret.evaluate(mine, Letters(), settings)
    value: float = bm25["R@1"]
    measures: list[str] = bm25.measures
    frame: pd.DataFrame = bm25.to_frame()
    bm25.save(str(folder / "bm25"))
    again: mmret.Result = mmret.load_result(folder / "bm25")
    ranking: mmret.Ranking = mmret.compare(again, letters, measure="MRR")
    pairs: pd.DataFrame = ranking.to_frame()
    mmret.write_run(bm25.run, folder / "run.txt")
    run: mmret.Run = mmret.read_run(folder / "run.txt")
    scored: mmret.RunScores = mmret.score_run(run, mine, missing="zero")
    latex: str = mmret.export(bm25, "latex")
    encoder = mmret.load_encoder("random", settings)
    assert isinstance(encoder, mmret.Encoder)
    listed: list[pd.DataFrame] = [mmret.list_benchmarks(), mmret.list_encoders()]
    assert len(encoder.embed(mine.queries, "query")) == 2
    assert value == again["R@1"] == scored.scores["global"]["all"]["R@1"]["value"]
    assert measures == ["R@1", "MRR"]
    assert all(len(one) for one in (frame, pairs, *listed))
    assert latex.startswith("\\begin")
    try:
        mmret.load_benchmark("no such benchmark")
    except mmret.InputError as error:
        told: mmret.MmretError = error
        print(told)


def misuse() -> None:
    """What is not accepted; were the types lost, these comments would be errors."""
    mmret.evaluate(benchmark(), 3)  # type: ignore[arg-type]
    mmret.evaluate(benchmark(), "bm25", limit=3)  # type: ignore[call-arg]
    mmret.score_run("run.txt", "mine", missing="ignore")  # type: ignore[arg-type]
    mmret.Item("q", video=3)  # type: ignore[arg-type]
    mmret.load_encoder("random").embed([], "query")  # type: ignore[union-attr]
    mmret.nothing  # type: ignore[attr-defined]  # noqa: B018


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        use(Path(folder))
