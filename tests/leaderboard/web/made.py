"""Small benchmarks of ids, and submissions to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mmret.benchmarks import Benchmark, Ragged
from mmret.evaluation import Run
from mmret.items import Item
from mmret.leaderboard.submissions import facts_of_benchmark, pack


def benchmark(name: str = "made", queries: int = 12, documents: int = 30) -> Benchmark:
    """Query i has one right document, which is the one whose id tells so."""
    ids = [f"{name}-doc-{i:03}" for i in range(documents)]
    return Benchmark(
        name=name,
        version="1",
        queries=[Item(f"{name}-query-{i:03}") for i in range(queries)],
        documents=[Item(one) for one in ids],
        positives=Ragged.of([[(7 * i + 3) % documents] for i in range(queries)]),
        gains=np.ones(queries),
        slices={"even": np.arange(0, queries, 2), "odd": np.arange(1, queries, 2)},
    )


def submission(path: Path, asked: Benchmark, seed: int = 0, **facts: Any) -> Path:
    """A run of random scores for all candidates, which are those of nobody else for another seed."""
    lists = asked.galleries or Ragged.of([range(len(asked.documents))] * len(asked.queries))
    entries = len(lists.positions)
    scores = np.random.default_rng(seed).permutation(entries).astype(np.float32) / entries
    run = Run([item.id for item in asked.queries], [item.id for item in asked.documents], lists, scores)
    model = {"name": f"model {seed}", "query": ["text"], "document": ["image"], "track": "no-audio"}
    described = {"model": model, "benchmark": facts_of_benchmark(asked)} | facts
    pack(run, described, path)
    return path
