"""A small benchmark of ids, teams, and submissions of random runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sqlalchemy import select

from mmret.benchmarks import Benchmark as Labelled
from mmret.benchmarks import Ragged
from mmret.evaluation import Run, protocols_of
from mmret.evaluation.runs import run_of
from mmret.items import Item
from mmret.leaderboard.board import Board
from mmret.leaderboard.board.benchmarks import Terms, add_benchmark
from mmret.leaderboard.board.database import Audit, Benchmark, Submission, Team
from mmret.leaderboard.board.intake import accept
from mmret.leaderboard.submissions import Ground, check, facts_of_benchmark, pack


def labelled(queries: int = 24, documents: int = 60, candidates: int = 20) -> Labelled:
    """Queries with a source, galleries of their own that hold it, and slices; labels are drawn from a seed."""
    rng = np.random.default_rng(7)
    galleries = [np.sort(rng.choice(documents, candidates, replace=False)) for _ in range(queries)]
    return Labelled(
        name="Made Up",
        version="1",
        queries=[Item(f"query-{i:05}") for i in range(queries)],
        documents=[Item(f"document-{i:05}") for i in range(documents)],
        positives=Ragged.of([one[[i % candidates]] for i, one in enumerate(galleries)]),
        gains=np.ones(queries),
        galleries=Ragged.of(galleries),
        source=np.array([one[(i + 1) % candidates] for i, one in enumerate(galleries)], np.int32),
        slices={"even": np.arange(0, queries, 2), "odd": np.arange(1, queries, 2)},
    )


def random_run(asked: Labelled, seed: int) -> Run:
    """Distinct scores, for all candidates of the first protocol."""
    entries = int(asked.gallery_sizes.sum())
    scores = np.random.default_rng(seed).permutation(entries).astype(np.float32)
    return run_of(asked, protocols_of(asked)[0], scores)


def add(board: Board, asked: Labelled, terms: Terms | None = None) -> Benchmark:
    return add_benchmark(board, asked, terms or Terms(), source="made in a test")


def packed_run(asked: Labelled, run: Run, path: Path) -> Path:
    facts = {
        "model": {"name": "a model", "query": ["text"], "document": ["video"], "track": "no-audio"},
        "benchmark": facts_of_benchmark(asked),
    }
    pack(run, facts, path)
    return path


def send(board: Board, team: Team, benchmark: Benchmark, asked: Labelled, run: Run) -> Submission:
    """Pack, check and hand in, as a server does."""
    with board.files.stage() as staged:
        packed_run(asked, run, staged.with_suffix(".parquet")).replace(staged)
        report = check(staged, Ground.load(board.files.checked(benchmark.ground_digest)))
        return accept(board, team, benchmark, staged, report)


def send_some(board: Board, team: Team, benchmark: Benchmark, asked: Labelled, seeds: Sequence[int]) -> list[str]:
    """The ids of submissions of random runs."""
    return [send(board, team, benchmark, asked, random_run(asked, seed)).id for seed in seeds]


def scored(board: Board) -> list[str]:
    """The ids of submissions in the order in which they were scored, one for each time."""
    with board.reading() as session:
        found = session.scalars(select(Audit.submission_id).where(Audit.action == "score").order_by(Audit.id))
        return [str(one) for one in found]
