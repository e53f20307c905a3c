"""A small benchmark as everybody may know it, a run over it, and a good submission made of both."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmret.benchmarks import Ragged
from mmret.evaluation import Run
from mmret.leaderboard.submissions import Ground, pack

QUERIES, DOCUMENTS, CANDIDATES = 30, 50, 20
DIGEST = "ab" * 32


@pytest.fixture(scope="session")
def ground() -> Ground:
    """30 queries, each with 20 of 50 documents as candidates, the first its source."""
    rng = np.random.default_rng(0)
    lists = [np.sort(rng.choice(DOCUMENTS, CANDIDATES, replace=False)) for _ in range(QUERIES)]
    return Ground(
        "small",
        "1",
        DIGEST,
        [f"query-{i:02d}" for i in range(QUERIES)],
        [f"clip-{i:02d}" for i in range(DOCUMENTS)],
        Ragged.of(lists),
        np.asarray([one[0] for one in lists], np.int32),
    )


@pytest.fixture(scope="session")
def run(ground: Ground) -> Run:
    assert ground.galleries is not None
    scores = np.random.default_rng(1).standard_normal(QUERIES * CANDIDATES).astype(np.float32)
    return Run(ground.queries, ground.documents, ground.galleries, scores)


FACTS = {
    "model": {
        "name": "tower",
        "revision": "1",
        "link": "https://example.org/tower",
        "licence": "MIT",
        "open_weights": True,
        "parameters": 1000,
        "query": ["text", "video"],
        "document": ["video"],
        "track": "no-audio",
    },
    "authors": ["A. Author"],
    "organisation": "Example",
    "paper": "https://example.org/paper",
    "code": "https://example.org/code",
    "training_data": "clips",
    "saw_benchmark": "no",
    "benchmark": {"name": "small", "version": "1", "digest": DIGEST},
}


@pytest.fixture
def facts() -> dict[str, Any]:
    return deepcopy(FACTS)


@pytest.fixture(scope="session")
def good(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("good") / "good.submission.parquet"
    pack(run, FACTS, path)
    return path
