"""Uploads to a real server: what is accepted, refused and scored."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mmret.benchmarks import Benchmark
from mmret.leaderboard.board import Board
from mmret.leaderboard.board.database import Submission
from mmret.leaderboard.submissions import Ground

from ..submissions.malformed import malformed
from . import made
from .conftest import Serve, files_of


def test_a_submission_is_scored(serve: Serve, labelled: Benchmark, token: str, tmp_path: Path) -> None:
    served = serve()
    answer = served.send(made.submission(tmp_path / "a.parquet", labelled), token)
    assert answer.status_code == 201
    sent = answer.json()
    assert sent["created"] is True
    assert answer.headers["location"] == f"/api/v1/submissions/{sent['submission']}"
    found = served.scored(sent["submission"], token)
    assert (found["state"], found["team"], found["reason"]) == ("verified", "First", "")
    scores = served.get(f"submissions/{sent['submission']}/scores").json()["scores"]
    assert scores["global"]["all"]["n"] == 12
    assert 0 <= scores["global"]["even"]["R@1"]["value"] <= 1
