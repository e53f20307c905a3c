"""A corpus of NQ-TABLES's size, read, validated and serialised, then evaluated: `python perf/tarvir.py`.

169,898 generated tables whose Markdown has 2,459 characters on average, and one of 285,798. Evaluation is from vectors
that lie in files already: 959 queries against 169,898 documents of 384 numbers.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from memory import megabytes

from mmret.benchmarks import Benchmark, Ragged, load_benchmark
from mmret.evaluation import score_vectors
from mmret.items import Item

TABLES, QUERIES, MEAN, LONGEST, WIDTH = 169_898, 959, 2_459, 285_798, 384
WORDS = [
    "river",
    "year",
    "team",
    "points",
    "Oslo",
    "Lima",
    "1998",
    "2004",
    "north",
    "album",
    "gold",
    "São",
    "東京",
    "x",
]


def write(folder: Path) -> None:
    """The tree, some 700 MB of JSON lines."""
    (folder / "tables").mkdir(parents=True)
    (folder / "interactions").mkdir()
    with (folder / "tables" / "tables.jsonl").open("w") as file:
        file.writelines(_tables())
    with (folder / "interactions" / "test.jsonl").open("w") as file:
        for i in range(QUERIES):
            question = {"id": f"dev_{i}", "originalText": f"who won number {i}?"}
            table = {"tableId": f'List "{i}", AC/DC_{i:016X}', "columns": [], "rows": []}
            file.write(json.dumps({"id": f"i{i}", "table": table, "questions": [question]}) + "\n")


def _tables() -> Iterator[str]:
    """Tables of five columns and ten rows on average, many small and few large ones, as lines of JSON."""
    draw = np.random.default_rng(0)
    columns = json.dumps([{"text": name} for name in ("Name", "Place", "Year", "Points", "Note")])
    pool = []
    for _ in range(5000):
        cells = [{"text": " ".join(draw.choice(WORDS, size))} for size in draw.integers(1, 6, 5)]
        pool.append(json.dumps({"cells": cells}, ensure_ascii=False))
    sizes = np.clip(draw.lognormal(3.0, 1.0, TABLES) * 0.79, 1, 3000).astype(int)
    starts = draw.integers(0, 5000, TABLES)
    for i, (size, start) in enumerate(zip(sizes.tolist(), starts.tolist(), strict=True)):
        rows = ", ".join([pool[(start + k) % 5000] for k in range(size)])
        if i == 7:
            rows = json.dumps({"cells": [{"text": "x" * LONGEST}]})
        name = json.dumps(f'List "{i}", AC/DC_{i:016X}')
        yield f'{{"tableId": {name}, "documentTitle": "List {i}", "columns": {columns}, "rows": [{rows}]}}\n'


def read(folder: Path) -> None:
    """Seconds and memory of reading, validating and serialising."""
    start, clock, before = time.process_time(), time.perf_counter(), megabytes("VmHWM")
    benchmark = load_benchmark("nq-tables", folder, view="title=text,content=native")
    took, passed = time.process_time() - start, time.perf_counter() - clock
    length = np.mean([len(item.text or "") for item in benchmark.documents])
    peak = megabytes("VmHWM")
    print(f"read       {passed:6.1f} s, {took:.1f} CPU s, peak {peak:.0f} MB ({before:.0f} before); aim 60 s, 1500 MB")
    print(f"           {len(benchmark.documents):,} tables of {length:,.0f} characters on average")


def score(folder: Path) -> None:
    """CPU seconds and memory of exact search over vectors that are mapped from a file, labels and items aside."""
    documents = [Item(f"{i:06}", text="") for i in range(TABLES)]
    queries = [Item(f"{i:06}", text="") for i in range(QUERIES)]
    gold = Ragged(np.arange(QUERIES + 1), np.arange(QUERIES, dtype=np.int32))
    benchmark = Benchmark("random", "1", queries, documents, gold, np.ones(QUERIES))
    asked = np.random.default_rng(1).standard_normal((QUERIES, WIDTH), np.float32)
    matrix = np.load(folder / "vectors.npy", mmap_mode="r")
    before, start = megabytes("VmRSS"), time.process_time()
    score_vectors(benchmark, asked, matrix)
    took = time.process_time() - start
    above = megabytes("VmHWM") - before - matrix.nbytes / 1e6
    print(f"evaluate   {took:6.1f} CPU s, {above:.0f} MB above the vectors; aim 20 s, 400 MB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--score", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.read:
        read(arguments.read)
    elif arguments.score:
        score(arguments.score)
    else:
        with tempfile.TemporaryDirectory() as made:
            write(Path(made) / "nq")
            subprocess.run([sys.executable, __file__, "--read", str(Path(made) / "nq")], check=True)
            vectors = np.random.default_rng(0).standard_normal((TABLES, WIDTH), np.float32)
            np.save(Path(made) / "vectors.npy", vectors)
            subprocess.run([sys.executable, __file__, "--score", made], check=True)
