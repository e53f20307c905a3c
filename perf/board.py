"""What a board needs for a submission of 10 million rows, from accepted to scored: `python perf/board.py`.

The data have the form of OmniCVR: 5,000 queries, each with 2,000 candidates of 16,316 documents, its source among them,
and seven slices; scores are random. Memory is the proportional share (PSS) of the worker and all its children together.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from mmret.benchmarks import Benchmark, Ragged
from mmret.evaluation import protocols_of
from mmret.evaluation.runs import run_of
from mmret.items import Item
from mmret.leaderboard.board import Board, worker
from mmret.leaderboard.board.answers import load_answers
from mmret.leaderboard.board.benchmarks import Terms, add_benchmark
from mmret.leaderboard.board.intake import accept
from mmret.leaderboard.board.teams import create_team
from mmret.leaderboard.submissions import Ground, check, facts_of_benchmark, pack

SLICES = 7


def made(queries: int, documents: int, candidates: int) -> Benchmark:
    """Labels by chance."""
    rng = np.random.default_rng(0)
    drawn = np.stack([rng.choice(documents, candidates, replace=False) for _ in range(queries)]).astype(np.int32)
    right, source = drawn[:, 0].copy(), drawn[:, 1].copy()
    drawn.sort(axis=1)
    return Benchmark(
        name="as large as OmniCVR",
        version="1",
        queries=[Item(f"query-{i:05}") for i in range(queries)],
        documents=[Item(f"document-{i:05}") for i in range(documents)],
        positives=Ragged(np.arange(queries + 1), right),
        gains=np.ones(queries),
        galleries=Ragged(np.arange(queries + 1) * candidates, drawn.ravel()),
        source=source,
        slices={f"slice {i}": np.arange(i, queries, SLICES) for i in range(SLICES)},
    )


def descendants(process: int) -> dict[int, float]:
    """A process and all that descend from it, with the seconds of processors that each has used."""
    parents, used = {}, {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except OSError:  # it has ended
            continue
        parents[int(path.parent.name)] = int(fields[1])
        used[int(path.parent.name)] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    found, more = [], [process]
    while more:
        found += more
        more = [child for child, parent in parents.items() if parent in more]
    return {one: used.get(one, 0.0) for one in found}


def share(process: int) -> int:
    """Proportional share of memory, bytes; 0 once it has ended."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def work(folder: Path) -> None:
    """The worker, until the queue is empty."""
    with Board.open(folder) as board:
        worker.run(board, once=True)


def watched(folder: Path) -> tuple[float, float, int]:
    """Seconds by the clock and of processors that a worker takes, its start included, and its peak of memory."""
    process = multiprocessing.get_context("spawn").Process(target=work, args=[folder])
    start, peak, ended = time.perf_counter(), 0, threading.Event()
    used: dict[int, float] = {}

    def look() -> None:
        nonlocal peak
        while not ended.wait(0.05):
            found = descendants(process.pid or 0)
            used.update(found)
            peak = max(peak, sum(map(share, found)))

    process.start()
    looking = threading.Thread(target=look)
    looking.start()
    process.join()
    seconds = time.perf_counter() - start
    ended.set()
    looking.join()
    return seconds, sum(used.values()), peak


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=5000)
    parser.add_argument("--documents", type=int, default=16_316)
    parser.add_argument("--candidates", type=int, default=2000)
    given = parser.parse_args()
    asked = made(given.queries, given.documents, given.candidates)
    scores = np.random.default_rng(1).random(given.queries * given.candidates, np.float32)
    facts = {
        "model": {"name": "chance", "query": ["text"], "document": ["video"], "track": "no-audio"},
        "benchmark": facts_of_benchmark(asked),
    }
    with tempfile.TemporaryDirectory() as folder, Board.make(Path(folder) / "board") as board:
        row = add_benchmark(board, asked, Terms(), source="made here")
        start = time.perf_counter()
        load_answers(board.private.path(row.answers_digest))
        print(f"labels loaded in {time.perf_counter() - start:.2f} s")
        packed = Path(folder) / "run.parquet"
        pack(run_of(asked, protocols_of(asked)[0], scores), facts, packed)
        report = check(packed, Ground.load(board.files.path(row.ground_digest)))
        team, size = create_team(board, "A"), packed.stat().st_size
        start = time.perf_counter()
        accept(board, team, row, packed, report)
        print(f"{report.entries:,} rows, {size / 1e6:.1f} MB, accepted in {time.perf_counter() - start:.2f} s")
        seconds, used, peak = watched(board.folder)
        print(f"scored in {seconds:.1f} s ({used:.1f} s of processors), at most {peak / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
