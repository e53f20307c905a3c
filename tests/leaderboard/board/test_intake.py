"""Submissions are taken whole, counted fairly, and lost never."""

from __future__ import annotations

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from mmret.leaderboard.board import Board
from mmret.leaderboard.board.benchmarks import Terms, close
from mmret.leaderboard.board.board import DATABASE
from mmret.leaderboard.board.database import Audit, Job, State, Submission, now
from mmret.leaderboard.board.intake import RefusedError, accept, new_id
from mmret.leaderboard.board.teams import create_team
from mmret.leaderboard.submissions import Fault, Report

from .made import add, labelled, packed_run, random_run, send, send_some

ASKED = labelled()


def test_a_submission_is_kept_with_its_job(board: Board) -> None:
    team, benchmark = create_team(board, "A"), add(board, ASKED)
    sent = send(board, team, benchmark, ASKED, random_run(ASKED, 0))
    with board.reading() as session:
        kept = session.get_one(Submission, sent.id)
        assert (kept.state, kept.team.name, kept.benchmark_id) == (State.pending, "A", "made-up")
        assert kept.description["schema"] == "mmret.submission/1"
        assert kept.description["run"]["digest"] == kept.run_digest
        assert session.scalar(select(Job.submission_id)) == kept.id
        assert session.scalar(select(Audit.action)) == "submit"
    assert board.files.checked(kept.file_digest).stat().st_size == kept.size
    assert list((board.files.folder / "staged").iterdir()) == []
    assert board.sweep() == 0


def test_ids_sort_by_time() -> None:
    ids = [new_id(moment) for moment in (0, 1, 1_700_000_000.001, 1_700_000_000.002, 1_900_000_000)]
    assert ids == sorted(ids)
    assert {len(one) for one in ids} == {26}
    assert len({new_id(5) for _ in range(1000)}) == 1000


def test_quotas_count_a_day_and_in_all(board: Board) -> None:
    team, other = create_team(board, "A"), create_team(board, "B")
    benchmark = add(board, ASKED, Terms(quota_day=2, quota_total=3))
    first, _ = send_some(board, team, benchmark, ASKED, [0, 1])
    with pytest.raises(RefusedError, match="2 submissions of a team a day") as caught:
        send(board, team, benchmark, ASKED, random_run(ASKED, 2))
    assert caught.value.code == "quota"
    send(board, other, benchmark, ASKED, random_run(ASKED, 3))
    with board.writing() as session:
        session.execute(update(Submission).values(received_at=now() - timedelta(days=1)))
    send(board, team, benchmark, ASKED, random_run(ASKED, 2))
    with pytest.raises(RefusedError, match="3 submissions of a team in all"):
        send(board, team, benchmark, ASKED, random_run(ASKED, 4))
    with board.writing() as session:  # what could not be scored costs nothing
        session.get_one(Submission, first).state = State.failed
    send(board, team, benchmark, ASKED, random_run(ASKED, 4))


def test_a_withdrawn_submission_still_counts(board: Board) -> None:
    team, benchmark = create_team(board, "A"), add(board, ASKED, Terms(quota_total=1))
    (sent,) = send_some(board, team, benchmark, ASKED, [0])
    with board.writing() as session:
        session.get_one(Submission, sent).state = State.withdrawn
    with pytest.raises(RefusedError, match="in all"):
        send(board, team, benchmark, ASKED, random_run(ASKED, 1))


def test_quotas_hold_against_races(board: Board) -> None:
    team, benchmark = create_team(board, "A"), add(board, ASKED, Terms(quota_day=3))

    def try_it(seed: int) -> str:
        try:
            return send(board, team, benchmark, ASKED, random_run(ASKED, seed)).id
        except RefusedError as error:
            return error.code

    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(try_it, range(12)))
    assert outcomes.count("quota") == 9
    with board.reading() as session:
        assert session.scalar(select(func.count(Submission.id))) == 3
    assert len(list(board.files.folder.glob("??/*"))) == 1 + 3  # the ground, and not a trace of what was refused


def test_the_same_file_is_refused_once_it_is_there(board: Board) -> None:
    team, other, benchmark = create_team(board, "A"), create_team(board, "B"), add(board, ASKED)
    run = random_run(ASKED, 0)
    sent = send(board, team, benchmark, ASKED, run)
    with pytest.raises(RefusedError, match=sent.id) as caught:
        send(board, team, benchmark, ASKED, run)
    assert (caught.value.code, caught.value.submission) == ("duplicate", sent.id)
    assert send(board, other, benchmark, ASKED, run).file_digest == sent.file_digest  # for the worker to judge
    for state in (State.failed, State.withdrawn):
        with board.writing() as session:
            session.execute(update(Submission).values(state=state))
        send(board, team, benchmark, ASKED, run)


def test_what_has_faults_or_does_not_fit_is_refused(board: Board, tmp_path: Path) -> None:
    team, benchmark = create_team(board, "A"), add(board, ASKED)
    faulty = Report([Fault("not-finite", "error", "scores are not finite", ["query-00001 document-00002 nan"])])
    with pytest.raises(RefusedError, match="not finite: query-00001"):
        accept(board, team, benchmark, tmp_path, faulty)
    other = replace(ASKED, name="Other", documents=[replace(one, text="other") for one in ASKED.documents])
    elsewhere = add(board, other)
    with pytest.raises(RefusedError, match="made for"):
        send(board, team, elsewhere, ASKED, random_run(ASKED, 0))
    close(board, benchmark.id, actor="ann")
    with pytest.raises(RefusedError, match="no submissions any more"):
        send(board, team, benchmark, ASKED, random_run(ASKED, 0))
    assert board.sweep() == 0


_SEND = """
import os, resource, signal, sys
from pathlib import Path
from mmret.leaderboard.board import Board
from mmret.leaderboard.board.benchmarks import benchmarks
from mmret.leaderboard.board.database import Team
from mmret.leaderboard.board.files import Files
from mmret.leaderboard.board.intake import accept
from mmret.leaderboard.submissions import Ground, check

keep = Files.keep
def dies(self, path, digest):
    keep(self, path, digest)
    os.kill(os.getpid(), signal.SIGKILL)

with Board.open(Path(sys.argv[1])) as board:
    with board.reading() as session:
        team = session.get_one(Team, 1)
    benchmark, path = benchmarks(board)[0], Path(sys.argv[2])
    report = check(path, Ground.load(board.files.checked(benchmark.ground_digest)))
    if sys.argv[3] == "killed":
        Files.keep = dies
    else:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1, 1))
    accept(board, team, benchmark, path, report)
"""


def _accept_in_another_process(board: Board, path: Path, fate: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", _SEND, str(board.folder), str(path), fate]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_a_kill_between_file_and_row_leaves_nothing(board: Board, tmp_path: Path) -> None:
    team, benchmark = create_team(board, "A"), add(board, ASKED, Terms(quota_total=1))
    packed = packed_run(ASKED, random_run(ASKED, 0), tmp_path / "run.parquet")
    assert _accept_in_another_process(board, packed, "killed").returncode == -signal.SIGKILL
    with board.reading() as session:
        assert session.scalar(select(func.count(Submission.id))) == 0
    assert len(list(board.files.folder.glob("??/*"))) == 2
    assert board.sweep() == 1
    sent = send(board, team, benchmark, ASKED, random_run(ASKED, 0))
    assert board.sweep() == 0
    assert board.files.checked(sent.file_digest)


def test_a_disk_that_is_full_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DATABASE, raising=False)
    with Board.make(tmp_path / "board") as board:  # SQLite, which writes to the disk that is full
        team, benchmark = create_team(board, "A"), add(board, ASKED, Terms(quota_total=1))
        packed = packed_run(ASKED, random_run(ASKED, 0), tmp_path / "run.parquet")
        refused = _accept_in_another_process(board, packed, "disk full")
        assert "RunError" in refused.stderr
        assert "the database failed: " in refused.stderr
        assert board.sweep() == 1
        with board.reading() as session:
            assert session.scalar(select(func.count(Submission.id))) == 0
        send(board, team, benchmark, ASKED, random_run(ASKED, 0))


def test_nothing_is_swept_while_it_is_being_kept(board: Board) -> None:
    team, benchmark = create_team(board, "A"), add(board, ASKED)
    with ThreadPoolExecutor(2) as threads:
        sweeps = [threads.submit(board.sweep) for _ in range(20)]
        ids = send_some(board, team, benchmark, ASKED, range(10))
        assert sum(sweep.result() for sweep in sweeps) == 0
    with board.reading() as session:
        for one in ids:
            assert board.files.checked(session.get_one(Submission, one).file_digest)
