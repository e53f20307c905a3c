"""`mmret board`: from an empty folder to a scored submission, by command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner, Result

from mmret.benchmarks import load_benchmark
from mmret.cli.board import app
from mmret.errors import InputError
from mmret.leaderboard.board import Board
from mmret.leaderboard.board.benchmarks import benchmarks
from mmret.leaderboard.board.database import State, Submission
from mmret.leaderboard.board.teams import DeniedError, authenticate

from .made import random_run, send


def _call(*arguments: object) -> Result:
    result = CliRunner().invoke(app, [str(one) for one in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_a_board_by_command(tmp_path: Path, database_url: str | None) -> None:
    folder = tmp_path / "board"
    _call("init", folder)
    _call("team", folder, "The A Team", "--contact", "a@example.org")
    secret = _call("token", "issue", folder, "the a team", "--label", "laptop", "--days", 2).stdout.strip()
    _call("add-benchmark", folder, "omnicvr-mini")
    _call("add-benchmark", folder, "omnicvr-mini", "--id", "held-back", "--hidden", "--public-of", "omnicvr-mini")
    with Board.open(folder) as board:
        public, hidden = benchmarks(board)
        assert (public.quota_day, public.quota_total, hidden.public_id) == (20, None, "omnicvr-mini")
        team = authenticate(board, secret, "submit")
        asked = load_benchmark("omnicvr-mini")
        send(board, team, public, asked, random_run(asked, 0))
    assert "jobs ended: 1" in _call("worker", folder, "--once").stderr
    listed = json.loads(_call("token", "list", folder, "--json").stdout)
    prefix = secret.split("_")[1]
    assert listed[prefix]["team"] == "The A Team"
    assert secret.split("_", 2)[2] not in f"{listed}"
    _call("token", "revoke", folder, prefix)
    with Board.open(folder) as board:
        with board.reading() as session:
            assert session.scalar(select(Submission.state)) == State.verified
        with pytest.raises(DeniedError):
            authenticate(board, secret, "submit")


@pytest.mark.parametrize(
    ("arguments", "way_out"),
    [
        (["team", "{}", "A"], "mmret board init"),
        (["worker", "{}"], "mmret board init"),
        (["add-benchmark", "{}", "omnicvr-mini", "--decimals", "2"], "--hidden"),
    ],
)
def test_misuse_names_the_way_out(tmp_path: Path, database_url: str | None, arguments: list[str], way_out: str) -> None:
    with pytest.raises(InputError, match=way_out):
        _call(*(one.format(tmp_path) for one in arguments))
