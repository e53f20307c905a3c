"""Uploads to a real server: what is accepted, refused and scored."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from mmret.errors import RunError
from mmret.leaderboard.board import Board
from mmret.leaderboard.board.benchmarks import Terms
from mmret.leaderboard.board.database import Audit, Benchmark, Job, Progress, Score, State, Submission
from mmret.leaderboard.board.teams import issue_token
from mmret.leaderboard.submissions import Ground
from mmret.leaderboard.web import uploads
from mmret.leaderboard.web.client import Client
from mmret.leaderboard.web.problems import ProblemError

from ..submissions.malformed import malformed
from . import made
from .conftest import Serve, Served, files_of


def test_a_submission_is_scored(served: Served, tmp_path: Path) -> None:
    asked, (team, token) = served.benchmark(), served.team()
    answer = served.send(made.submission(tmp_path / "a.parquet", asked), token, asked.name)
    found = served.scored(answer, token)
    assert (found["state"], found["team"], found["reason"]) == ("verified", team, "")
    assert answer.headers["location"] == f"/api/v1/submissions/{found['id']}"
    assert answer.json()["created"] is True
    assert [one["code"] for one in answer.json()["warnings"]] == ["undeclared"]
    scores = served.get(f"submissions/{found['id']}/scores").json()["scores"]
    assert (scores["global"]["all"]["n"], scores["global"]["odd"]["n"]) == (12, 6)
    assert 0 <= scores["global"]["even"]["R@1"]["value"] <= 1


def test_malformed_files_are_refused_and_leave_nothing(served: Served, tmp_path: Path) -> None:
    asked, (_, token) = served.benchmark(), served.team()
    good = made.submission(tmp_path / "good.parquet", asked)
    before = served.files()
    for case in list(malformed(good, Ground.of(asked)))[:: 3 if served.on_sqlite else 10]:
        answer = served.send(case.content, token, asked.name)
        told = answer.json()
        if case.content[:4] == b"PAR1":
            assert answer.status_code == 422, case.name
            assert case.code in {"", *(fault["code"] for fault in told["faults"])}, case.name
            assert any(fault["severity"] == "error" and fault["message"] for fault in told["faults"]), case.name
        else:
            assert (answer.status_code, told["code"]) in ((415, "not-parquet"), (422, "faulty")), case.name
    assert served.files() == before
    with served.board.reading() as session:
        assert session.query(Submission).where(Submission.benchmark_id == asked.name).count() == 0
    assert served.send(good, token, asked.name).status_code == 201


def test_refusals_before_a_file_is_checked(served: Served) -> None:
    asked, (team, token) = served.benchmark(), served.team()
    before = served.files()

    def refused(content: Any = b"PAR1", token: str = token, benchmark: str = asked.name, **headers: str) -> Any:
        answer = served.send(content, token, benchmark, headers)
        assert answer.headers["content-type"] == "application/problem+json"
        return answer.status_code, answer.json()["code"]

    assert refused(gzip.compress(bytes(10_000_000))) == (415, "not-parquet")
    assert refused(gzip.compress(b"PAR1"), **{"Content-Encoding": "gzip"}) == (415, "encoded")
    assert refused(token="") == (401, "no-token")
    assert refused(token="mmret_00000000_" + "x" * 43) == (401, "bad-token")
    assert refused(token=token[:-1] + ("a" if token[-1] != "a" else "b")) == (401, "bad-token")
    assert refused(token=issue_token(served.board, team, scopes=["read"])) == (403, "scope")
    assert refused(benchmark="none") == (404, "no-benchmark")
    assert refused(benchmark="../../etc/passwd") == (404, "no-route")
    assert refused(benchmark="a%00b") == (422, "invalid")
    with served.board.writing() as session:
        session.get_one(Benchmark, asked.name).active = False
    assert refused() == (409, "closed")
    assert served.files() == before


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_is_too_large_or_too_slow_is_cut_off(serve: Serve, board: Board, tmp_path: Path) -> None:
    served = serve(limits={"upload_bytes": 2500, "idle": 0.5, "linger": 0.5}, workers=0)
    asked, (_, token) = served.benchmark(), served.team()
    good = made.submission(tmp_path / "good.parquet", asked).read_bytes()
    assert len(good) > 2500
    before = files_of(board)

    def slowly() -> Iterator[bytes]:
        yield good[:10]
        time.sleep(1)
        yield good[10:]

    answers = [
        served.send(content, token, asked.name) for content in (good, iter([good[:2000], good[2000:]]), slowly())
    ]
    assert [answer.status_code for answer in answers] == [413, 413, 408]
    served.wait_for(lambda: files_of(board) == before)


def test_a_disk_that_is_full_is_told() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"PAR1" * 1000

    with pytest.raises(ProblemError, match="disk of the server is full") as caught:
        asyncio.run(uploads._write(pieces(), Path("/dev/full")))
    assert caught.value.status == 507


def test_the_same_file_is_one_submission(served: Served, tmp_path: Path) -> None:
    asked, (_, token), (_, other) = served.benchmark(), served.team(), served.team()
    content = made.submission(tmp_path / "a.parquet", asked).read_bytes()
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: served.send(content, token, asked.name), range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]
    assert len({answer.json()["submission"] for answer in answers}) == 1
    theirs = served.send(content, other, asked.name)
    assert theirs.json()["submission"] != answers[0].json()["submission"]
    assert served.scored(theirs, other)["state"] == "flagged"


def test_quotas_count_what_is_accepted(served: Served, tmp_path: Path) -> None:
    asked, (_, token) = served.benchmark(Terms(quota_day=2)), served.team()
    sent = [made.submission(tmp_path / f"{i}.parquet", asked, i) for i in range(3)]
    assert served.send(b"PAR1 no", token, asked.name).status_code == 422
    answers = [served.send(path, token, asked.name) for path in (*sent[:2], sent[0], sent[2])]
    assert [answer.status_code for answer in answers] == [201, 201, 200, 429]
    assert answers[-1].json()["code"] == "quota"
    assert "2 submissions" in answers[-1].json()["detail"]


def test_fifty_uploads_at_once_are_scored_in_order(served: Served, tmp_path: Path) -> None:
    asked, count = served.benchmark(), 50 if served.on_sqlite else 20
    tokens = [served.team()[1] for _ in range(5)]
    paths = [made.submission(tmp_path / f"{i}.parquet", asked, i) for i in range(count)]
    with ThreadPoolExecutor(count) as pool:
        answers = list(pool.map(lambda i: served.send(paths[i], tokens[i % 5], asked.name), range(count)))
    assert {answer.status_code for answer in answers} == {201}
    sent = {answer.json()["submission"] for answer in answers}
    served.wait_for(lambda: done(served.board, asked.name) == count)
    with served.board.reading() as session:
        mine = session.query(Job).join(Submission).where(Submission.benchmark_id == asked.name)
        jobs = mine.order_by(Job.id).all()
        received = [session.get_one(Submission, job.submission_id).received_at for job in jobs]
    started = [job.started_at for job in jobs if job.started_at is not None]
    assert started == sorted(started)
    assert received == sorted(received)
    assert_scored_once(served.board, asked.name, sent)


def done(board: Board, benchmark: str) -> int:
    """Number of jobs that are done."""
    with board.reading() as session:
        jobs = session.query(Job).join(Submission).where(Submission.benchmark_id == benchmark)
        return jobs.where(Job.state == Progress.done).count()


def assert_scored_once(board: Board, benchmark: str, expected: set[str]) -> None:
    with board.reading() as session:
        found = session.query(Submission).where(Submission.benchmark_id == benchmark).all()
        ids = {one.id for one in found}
        jobs = [one.submission_id for one in session.query(Job) if one.submission_id in ids]
        scorings = [
            one.submission_id for one in session.query(Audit).where(Audit.action == "score") if one.submission_id in ids
        ]
        figures = {one for (one,) in session.query(Score.submission_id).distinct() if one in ids}
    assert ids == expected == figures
    assert {one.state for one in found} == {State.verified}
    assert sorted(jobs) == sorted(scorings) == sorted(expected)


def test_killed_in_the_middle_everything_accepted_is_scored_once(serve: Serve, board: Board, tmp_path: Path) -> None:
    first = serve()
    count = 50 if first.on_sqlite else 20
    asked, (_, token) = first.benchmark(), first.team()
    paths = [made.submission(tmp_path / f"{i}.parquet", asked, i) for i in range(count)]
    accepted: list[str] = []

    def insist(path: Path) -> str:
        with Client(first.url, token, lambda _: None) as client:
            while True:
                with contextlib.suppress(RunError):
                    accepted.append(client.submit(path, asked.name)["submission"])
                    return accepted[-1]

    with ThreadPoolExecutor(10) as pool:
        sending = [pool.submit(insist, path) for path in paths]
        first.wait_for(lambda: len(accepted) > count // 6 and done(board, asked.name) > 1)
        os.kill(scorer := scorer_of(first), signal.SIGKILL)
        first.wait_for(lambda: first.logged("a scoring process died and is replaced"))
        first.wait_for(lambda: len(first.logged("worker started")) == 2)
        assert scorer_of(first) != scorer
        first.wait_for(lambda: len(accepted) > count // 3 and done(board, asked.name) > 4)
        first.process.kill()
        first.process.wait()
        assert done(board, asked.name) < count  # amid scoring
        second = serve(port=first.port)
        sent = {one.result(120) for one in sending}
    assert len(sent) == count
    second.wait_for(lambda: done(board, asked.name) == count)
    assert_scored_once(board, asked.name, sent)
    assert second.stop() == 0


def scorer_of(served: Served) -> int:
    """The process that scores, by its own words."""
    started = served.wait_for(lambda: served.logged("worker started"))
    return int(started[-1]["worker"].rsplit(":", 2)[1])
