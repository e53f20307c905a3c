from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from sqlalchemy import select
from typer.testing import CliRunner, Result

from mmret.cli import board_admin
from mmret.errors import InputError, RunError
from mmret.leaderboard.board import Board
from mmret.leaderboard.board.database import Audit, Benchmark, State, Submission, Team
from mmret.leaderboard.board.signing import public_key

from .filled import benchmark_on, file_of, honest, labelled, run_of, scored_run, submission_of, teams_on

LABELS = labelled(queries=30)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A board with one flagged submission."""
    monkeypatch.setenv("MMRET_BOARD_DATABASE", "sqlite")
    monkeypatch.setenv("LOGNAME", "somebody")
    with Board.make(tmp_path / "board") as board:
        benchmark = benchmark_on(board, LABELS)
        scored = scored_run(board, benchmark, run_of(LABELS, honest(LABELS, 1, 0)), tmp_path)
        (team,) = teams_on(board, "team")
        submission_of(board, benchmark, team, scored, state=State.flagged, file_digest=file_of(board, "run"))
    return tmp_path / "board"


def call(name: str, *arguments: object) -> Result:
    app = typer.Typer()
    app.callback()(lambda: None)
    app.command("it")(getattr(board_admin, name))
    result = CliRunner().invoke(app, ["it", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def only(folder: Path) -> Submission:
    with Board.open(folder) as board, board.reading() as session:
        return session.scalars(select(Submission)).one()


def test_a_moderator_sees_what_waits_and_decides(folder: Path) -> None:
    identity = only(folder).id
    assert call("moderate", folder).stdout.startswith(f"{identity}  small, team:")
    assert list(json.loads(call("moderate", folder, "--json").stdout)) == [identity]
    assert "is verified now" in call("moderate", folder, identity, "verify").stderr
    assert only(folder).state == State.verified
    assert call("moderate", folder).stdout == ""
    with pytest.raises(InputError, match="takes a reason"):
        call("moderate", folder, identity, "hide")
    call("moderate", folder, identity, "hide", "--reason", "a copy", "--as", "ann")
    assert only(folder).reason == "a copy"
    with pytest.raises(InputError, match="say what to do with"):
        call("moderate", folder, identity)
    assert call("moderate", folder, identity, "delete").exit_code == 2
    with Board.open(folder) as board, board.reading() as session:
        assert session.scalars(select(Audit.actor).order_by(Audit.id)).all() == ["somebody", "ann"]


def test_a_benchmark_is_closed_and_a_team_disabled(folder: Path) -> None:
    for name, what, words in (("close", "small", "small takes"), ("disable", "team", "team")):
        assert words in call(name, folder, what, "--as", "ann").stderr
        assert "again" in call(name, folder, what, "--undo").stderr
        with pytest.raises(InputError, match="'none'"):
            call(name, folder, "none")
    with Board.open(folder) as board, board.reading() as session:
        assert session.scalars(select(Audit.action).order_by(Audit.id)).all() == [
            "close",
            "reopen",
            "disable",
            "enable",
        ]
        assert session.scalars(select(Benchmark.active)).one()
        assert not session.scalars(select(Team.disabled)).one()


def test_rescoring_is_queued(folder: Path) -> None:
    assert "0 submissions" in call("rescore", folder, "--outdated").stderr
    assert "1 submissions are queued" in call("rescore", folder, "small").stderr


def test_an_export_is_written_verified_and_imported(folder: Path, tmp_path: Path) -> None:
    call("moderate", folder, only(folder).id, "verify")
    file, key = tmp_path / "table.json", public_key(folder)
    assert key in call("export", folder, "-o", file).stderr
    content = json.loads(call("export", folder).stdout)["content"]
    assert content["benchmarks"] == json.loads(file.read_text())["content"]["benchmarks"]
    assert f"unchanged since the board with the key {key}" in call("verify", file, "--key", key).stdout
    with Board.make(tmp_path / "other") as other:
        benchmark_on(other, LABELS)
    assert "on small" in call("import_tables", tmp_path / "other", file, "--key", key).stderr
    file.write_text(file.read_text().replace('"team":"team"', '"team":"thief"'))
    with pytest.raises(InputError, match="was changed"):
        call("verify", file)
    assert call("verify", tmp_path / "none").exit_code == 2


def test_a_backup_is_made_and_says_what_it_lacks(folder: Path, tmp_path: Path) -> None:
    assert "a copy of the board with 4 files" in call("backup", folder, tmp_path / "copy").stderr
    with Board.open(tmp_path / "copy"):
        pass
    lost = only(folder).file_digest
    (folder / "files" / lost[:2] / lost[2:]).unlink()
    with pytest.raises(RunError, match="the copy lacks what the board has lost"):
        call("backup", folder, tmp_path / "again")
    assert (tmp_path / "again").is_dir()


def test_each_command_says_what_it_does() -> None:
    for name in ("moderate", "close", "disable", "rescore", "export", "verify", "import_tables", "backup"):
        result = call(name, "--help")
        assert result.exit_code == 0
        assert getattr(board_admin, name).__doc__[:40] in result.stdout
