"""A submission of OmniCVR's size: how large it is packed, how long checking takes, and how much memory.

    python perf/submissions.py [--folder DIR]

5,000 queries, each with its own 2,000 of 16,316 candidates, scored by the cosine of random vectors: 10 million entries.
Packing and checking run in processes of their own, so that each peak of memory is its own.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mmret.benchmarks import Ragged
from mmret.evaluation import Run
from mmret.leaderboard.submissions import Ground, check, pack
from mmret.meter import peak_rss_mb

QUERIES, CANDIDATES, DOCUMENTS, DIMENSION = 5_000, 2_000, 16_316, 64
DIGEST = "0" * 64


def make(folder: Path) -> str:
    """The ground, and a run as raw arrays."""
    rng = np.random.default_rng(0)
    lists = np.sort([rng.choice(DOCUMENTS, CANDIDATES, replace=False) for _ in range(QUERIES)]).astype(np.int32)
    units = [rng.standard_normal((n, DIMENSION), np.float32) for n in (QUERIES, DOCUMENTS)]
    queries, documents = (one / np.linalg.norm(one, axis=1, keepdims=True) for one in units)
    scores = np.concatenate([documents[own] @ query for own, query in zip(lists, queries, strict=True)])
    np.save(folder / "scores.npy", scores)
    ground_of(lists).save(folder / "ground.parquet")
    return f"ground {(folder / 'ground.parquet').stat().st_size / 1e6:.1f} MB"


def ground_of(lists: np.ndarray[Any, np.dtype[np.int32]]) -> Ground:
    return Ground(
        "omnicvr",
        "1",
        DIGEST,
        [f"q-{i:016x}" for i in range(QUERIES)],
        [f"omnicvr_video_{i:08d}.mp4" for i in range(DOCUMENTS)],
        Ragged(np.arange(QUERIES + 1) * CANDIDATES, lists.ravel()),
    )


def pack_it(folder: Path) -> str:
    ground = Ground.load(folder / "ground.parquet")
    assert ground.galleries is not None
    run = Run(ground.queries, ground.documents, ground.galleries, np.load(folder / "scores.npy"))
    model = {"name": "random", "query": ["text", "video"], "document": ["video"], "track": "no-audio"}
    facts = {"model": model, "benchmark": {"name": "omnicvr", "version": "1", "digest": DIGEST}}
    start = time.perf_counter()
    pack(run, facts, folder / "run.submission.parquet")
    seconds = time.perf_counter() - start
    size = (folder / "run.submission.parquet").stat().st_size
    return f"pack: {size / 1e6:.1f} MB (bound 60), {seconds:.1f} s, peak {peak_rss_mb():.0f} MB"


def load_ground(folder: Path) -> str:
    start = time.perf_counter()
    Ground.load(folder / "ground.parquet")
    return f"load the ground: {time.perf_counter() - start:.2f} s, peak {peak_rss_mb():.0f} MB"


def check_it(folder: Path) -> str:
    ground = Ground.load(folder / "ground.parquet")
    start, worked = time.perf_counter(), time.process_time()
    report = check(folder / "run.submission.parquet", ground)
    seconds, worked = time.perf_counter() - start, time.process_time() - worked
    assert report.ok, [str(fault) for fault in report.faults]
    took = f"{seconds:.2f} s (bound 5), {worked:.2f} s of CPU"
    return f"check: {report.entries:,} entries, {took}, peak {peak_rss_mb():.0f} MB"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args().folder
    with tempfile.TemporaryDirectory() as made:
        folder = given or Path(made)
        steps: list[Callable[[Path], str]] = [make, pack_it, load_ground, check_it]
        for step in steps:
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                print(pool.apply(step, (folder,)), flush=True)


if __name__ == "__main__":
    main()
