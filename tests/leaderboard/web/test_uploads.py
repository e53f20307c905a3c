"""Uploads to a real server: what is accepted, refused and scored."""

from __future__ import annotations

import contextlib
import gzip
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from mmret.benchmarks import Benchmark
from mmret.errors import RunError
from mmret.leaderboard.board import Board
from mmret.leaderboard.board.benchmarks import Terms, add_benchmark
from mmret.leaderboard.board.database import Audit, Job, Progress, Score, State, Submission
from mmret.leaderboard.board.database import Benchmark as Stored
from mmret.leaderboard.board.teams import issue_token
from mmret.leaderboard.submissions import Ground
from mmret.leaderboard.web.client import Client

from ..submissions.malformed import malformed
from . import made
from .conftest import Serve, Served, files_of


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


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_malformed_files_are_refused_and_leave_nothing(
    serve: Serve, board: Board, labelled: Benchmark, token: str, tmp_path: Path
) -> None:
    served = serve()
    good = made.submission(tmp_path / "good.parquet", labelled)
    before = files_of(board)
    for case in malformed(good, Ground.of(labelled), count=150):
        answer = served.send(case.content, token)
        told = answer.json()
        if case.content[:4] == b"PAR1":
            assert answer.status_code == 422, case.name
            assert case.code in {"", *(fault["code"] for fault in told["faults"])}, case.name
            assert any(fault["severity"] == "error" and fault["message"] for fault in told["faults"]), case.name
        else:
            assert (answer.status_code, told["code"]) in ((415, "not-parquet"), (422, "faulty")), case.name
    assert files_of(board) == before
    with board.reading() as session:
        assert session.query(Submission).count() == 0
    assert served.send(good, token).status_code == 201


def test_refusals_before_the_file_is_checked(
    serve: Serve, board: Board, labelled: Benchmark, token: str, tmp_path: Path
) -> None:
    served = serve(limits={"upload_bytes": 2500, "idle": 0.5, "linger": 0.5})
    good = made.submission(tmp_path / "good.parquet", labelled).read_bytes()
    assert len(good) > 2500
    before = files_of(board)

    def refused(content: Any, token: str = token, benchmark: str = "made", **headers: str) -> tuple[int, str]:
        answer = served.send(content, token, benchmark, headers=headers)
        assert answer.headers["content-type"] == "application/problem+json"
        return answer.status_code, answer.json()["code"]

    assert refused(good) == (413, "too-large")
    assert refused(iter([good[:2000], good[2000:]])) == (413, "too-large")
    assert refused(slowly(good)) == (408, "too-slow")
    assert refused(gzip.compress(bytes(10_000_000))[:2000]) == (415, "not-parquet")
    assert refused(gzip.compress(good[:100]), **{"Content-Encoding": "gzip"}) == (415, "encoded")
    assert refused(b"PAR1", token="") == (401, "no-token")
    assert refused(b"PAR1", token="mmret_00000000_" + "x" * 43) == (401, "bad-token")
    assert refused(b"PAR1", token=token[:-1] + ("a" if token[-1] != "a" else "b")) == (401, "bad-token")
    assert refused(b"PAR1", token=issue_token(board, "First", scopes=["read"])) == (403, "scope")
    assert refused(b"PAR1", benchmark="none") == (404, "no-benchmark")
    assert refused(b"PAR1", benchmark="../../etc/passwd") == (404, "no-route")
    assert refused(b"PAR1", benchmark="a%00b") == (422, "invalid")
    assert files_of(board) == before
    with board.writing() as session:
        session.get_one(Stored, "made").active = False
    assert refused(b"PAR1") == (409, "closed")


def slowly(content: bytes) -> Iterator[bytes]:
    yield content[:10]
    time.sleep(1)
    yield content[10:]


def test_the_same_file_is_one_submission(
    serve: Serve, labelled: Benchmark, token: str, other_token: str, tmp_path: Path
) -> None:
    served = serve()
    content = made.submission(tmp_path / "a.parquet", labelled).read_bytes()
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: served.send(content, token), range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]
    assert len({answer.json()["submission"] for answer in answers}) == 1
    assert served.send(content, other_token).json()["submission"] != answers[0].json()["submission"]


def test_quotas_count_what_is_accepted(serve: Serve, board: Board, token: str, tmp_path: Path) -> None:
    asked = made.benchmark("scarce")
    add_benchmark(board, asked, Terms(quota_day=2), source="made")
    served = serve()
    sent = [made.submission(tmp_path / f"{i}.parquet", asked, i) for i in range(3)]
    assert served.send(b"PAR1 no", token, "scarce").status_code == 422
    assert [served.send(path, token, "scarce").status_code for path in (*sent[:2], sent[0])] == [201, 201, 200]
    refused = served.send(sent[2], token, "scarce")
    assert (refused.status_code, refused.json()["code"]) == (429, "quota")
    assert "2 submissions" in refused.json()["detail"]


def test_fifty_uploads_at_once_are_scored_in_order(
    serve: Serve, board: Board, labelled: Benchmark, token: str, other_token: str, tmp_path: Path
) -> None:
    served = serve()
    paths = [made.submission(tmp_path / f"{i}.parquet", labelled, i) for i in range(50)]
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda i: served.send(paths[i], (token, other_token)[i % 2]), range(50)))
    assert {answer.status_code for answer in answers} == {201}
    sent = {answer.json()["submission"] for answer in answers}
    assert len(sent) == 50
    served.wait_for(lambda: finished(board, 50))
    with board.reading() as session:
        jobs = session.query(Job).order_by(Job.id).all()
        received = [session.get_one(Submission, job.submission_id).received_at for job in jobs]
    assert {job.submission_id for job in jobs} == sent
    assert [job.started_at for job in jobs] == sorted(job.started_at for job in jobs), "oldest first"
    assert received == sorted(received)
    assert_scored_once(board, sent)


def finished(board: Board, count: int) -> bool:
    with board.reading() as session:
        return session.query(Job).where(Job.state == Progress.done).count() == count


def assert_scored_once(board: Board, submissions: set[str]) -> None:
    with board.reading() as session:
        states = {one.id: one.state for one in session.query(Submission)}
        jobs = [job.submission_id for job in session.query(Job)]
        scorings = [one.submission_id for one in session.query(Audit).where(Audit.action == "score")]
        figures = {one for (one,) in session.query(Score.submission_id).distinct()}
    assert set(states) == submissions == figures
    assert set(states.values()) == {State.verified}
    assert sorted(jobs) == sorted(scorings) == sorted(submissions)


def test_killed_in_the_middle_everything_accepted_is_scored_once(
    serve: Serve, board: Board, labelled: Benchmark, token: str, tmp_path: Path
) -> None:
    first = serve()
    port = int(first.url.rsplit(":", 1)[1])
    paths = [made.submission(tmp_path / f"{i}.parquet", labelled, i) for i in range(50)]
    accepted: list[str] = []

    def insist(path: Path) -> str:
        with Client(first.url, token, lambda _: None) as client:
            while True:
                with contextlib.suppress(RunError):
                    accepted.append(client.submit(path, "made")["submission"])
                    return accepted[-1]

    with ThreadPoolExecutor(10) as pool:
        sending = [pool.submit(insist, path) for path in paths]
        first.wait_for(lambda: len(accepted) > 8)
        os.kill(scorer_of(first), signal.SIGKILL)
        first.wait_for(lambda: len(accepted) > 20)
        os.kill(first.process.pid, signal.SIGKILL)
        first.process.wait()
        second = serve(port=port)
        sent = {one.result(120) for one in sending}
    assert len(sent) == 50
    second.wait_for(lambda: finished(board, 50))
    assert_scored_once(board, sent)
    assert first.logged("a scoring process died and is replaced")


def scorer_of(served: Served) -> int:
    """The process that scores, by its own words."""
    started = served.wait_for(lambda: served.logged("worker started"))
    return int(started[-1]["worker"].rsplit(":", 2)[1])
