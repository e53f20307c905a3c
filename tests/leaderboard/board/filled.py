"""A board with scored submissions, put there without queue and worker."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmret.benchmarks import Benchmark as Labelled
from mmret.benchmarks import Ragged
from mmret.evaluation import Run, write_run
from mmret.items import Item
from mmret.leaderboard.board import Board
from mmret.leaderboard.board.benchmarks import Terms, add_benchmark
from mmret.leaderboard.board.database import Benchmark, Score, State, Submission, Team, now
from mmret.leaderboard.board.feedback import told
from mmret.leaderboard.board.files import digest_of
from mmret.leaderboard.board.intake import new_id
from mmret.leaderboard.board.scorer import SCORER_VERSION, Scored, score
from mmret.leaderboard.board.states import renew
from mmret.leaderboard.board.teams import create_team
from mmret.leaderboard.submissions import Description

QUERIES, DOCUMENTS = 240, 40


def labelled(name: str = "small", *, queries: int = QUERIES, documents: int = DOCUMENTS) -> Labelled:
    """A benchmark of ids with one right document a query, and two slices of which one is small."""
    random = np.random.default_rng(7)
    return Labelled(
        name,
        "1",
        [Item(f"q{i:04}", text="?") for i in range(queries)],
        [Item(f"d{i:04}", text="!") for i in range(documents)],
        Ragged.of([[int(random.integers(documents))] for _ in range(queries)]),
        np.ones(queries),
        slices={"most": np.arange(queries * 3 // 4), "few": np.arange(queries * 3 // 4, queries)},
    )


def honest(labels: Labelled, quality: float, seed: int) -> np.ndarray:
    """Scores of a system, float `(queries, documents)`: noise of its own, and right documents higher by `quality`."""
    n, documents = len(labels.queries), len(labels.documents)
    shared = np.random.default_rng(99)
    scores = shared.standard_normal((n, documents)) * 0.7
    lift = quality + 1.5 * shared.standard_normal(n)
    scores += np.random.default_rng(seed).standard_normal((n, documents)) * 0.7
    scores[np.arange(n), labels.positives.positions] += lift
    return scores


def run_of(labels: Labelled, scores: np.ndarray) -> Run:
    """The run with these scores of all documents."""
    n, documents = scores.shape
    lists = Ragged(np.arange(n + 1) * documents, np.tile(np.arange(documents, dtype=np.int32), n))
    ids = [item.id for item in labels.queries], [item.id for item in labels.documents]
    return Run(*ids, lists, scores.astype(np.float32).ravel())


def benchmark_on(board: Board, labels: Labelled, **terms: Any) -> Benchmark:
    """The benchmark, added to the board."""
    return add_benchmark(board, labels, Terms(**terms), source="a test")


def description(name: str, **model: Any) -> dict[str, Any]:
    """What a submission says of itself."""
    known = {"name": name, "query": ["text"], "document": ["text"], "track": "no-audio"} | model
    asked = {"name": "small", "version": "1", "digest": "0" * 64}
    run = {"digest": "0" * 64, "entries": 1, "queries": 1}
    said = Description.model_validate({"model": known, "benchmark": asked, "mmret": "0.1.0", "run": run})
    return said.model_dump(mode="json")


def scored_run(board: Board, benchmark: Benchmark, run: Run, folder: Path) -> Scored:
    """What the scorer says of a run."""
    path = folder / f"{new_id()}.parquet"
    write_run(run, path)
    answers = board.private.path(benchmark.answers_digest)
    return score(answers, path, benchmark.protocols, benchmark.measures)


def submission_of(
    board: Board,
    benchmark: Benchmark,
    team: Team,
    scored: Scored,
    *,
    name: str = "model",
    run_digest: str | None = None,
    file_digest: str = "f" * 64,
    state: State = State.verified,
    **model: Any,
) -> Submission:
    """A submission that was scored, in the database, with its private file."""
    identity = new_id()
    with board.private.stage() as staged, board.private.held(), board.writing() as session:
        scored.values.save(staged)
        digest = digest_of(staged)
        made = Submission(
            id=identity,
            team_id=team.id,
            benchmark_id=benchmark.id,
            state=state,
            file_digest=file_digest,
            size=1,
            run_digest=run_digest or f"{int(identity[-12:], 36):064x}"[-64:],
            description=description(name, **model),
            values_digest=digest,
            scorer_version=SCORER_VERSION,
            scored_at=now(),
        )
        session.add(made)
        session.flush()
        session.add_all(told(benchmark, [Score(submission_id=made.id, **row) for row in scored.figures]))
        board.private.keep(staged, digest)
        renew(session, benchmark.id)
    return made


def file_of(board: Board, text: str) -> str:
    """The digest of a public file with that text, which is on the board."""
    return board.files.add(lambda staged: staged.write_text(text))


def teams_on(board: Board, *names: str) -> Sequence[Team]:
    """New teams."""
    return [create_team(board, name) for name in names]
