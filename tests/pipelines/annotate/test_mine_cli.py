"""What the commands of mining and verifying say."""

from __future__ import annotations

import json

import typer
from typer.testing import CliRunner

from mmret.cli.annotate_calibrate import calibrate
from mmret.cli.annotate_stages import mine, verify

from ...chat_server import chat_server
from .test_mine_project import make_project  # noqa: F401  # a fixture
from .test_verify_project import make_project as make_verified
from .test_verify_project import yes


def test_mining_says_what_it_found(make_project, tmp_path, monkeypatch, capsys):  # noqa: F811
    monkeypatch.setenv("MMRET_CACHE", str(tmp_path / "cache"))
    project = make_project(["0 0", "0 1", "1 0", "1 1", "- 1"])
    with project:
        mine(project, 1)
    said = capsys.readouterr()
    assert said.out == ""
    assert "mine: 1 clips have no vector" in said.err
    assert "mine: test: 2 audio-center, " in said.err


def test_calibration_is_shown(make_project, tmp_path):  # noqa: F811
    project = make_project(["0 0", "0 1", "1 0", "1 1"])
    config = tmp_path / "config.toml"
    config.write_text(f'[project]\nfolder = "{project.folder}"\n[mine]\nvisual = "toy"\naudio = "toy"\nsampled = 500\n')
    app = typer.Typer()
    app.command()(calibrate)

    def run(*options):
        done = CliRunner().invoke(
            app, [str(config), "--cache", str(tmp_path / "cache"), *options], catch_exceptions=False
        )
        assert done.exit_code == 0
        return done.stdout

    told = json.loads(run("--json"))
    assert set(told["spaces"]) == {"visual", "audio"}
    shown = run()
    for text in ("visual > 95%", "audio < 50%", "█", "99.9%"):
        assert text in shown


def test_verifying_names_who_is_not_trusted(tmp_path, monkeypatch, capsys):
    with chat_server(yes) as server:
        project = make_verified(tmp_path, judges=[f"llm:bad@{server.address}"])
        with project:
            verify(project, 1)
    said = capsys.readouterr()
    assert said.out == ""
    assert "verify: 20 verdicts accepted, 0 rejected, 0 pending" in said.err
    assert "verify: llm:bad is not trusted: accepts 60 of 60 known-wrong controls" in said.err
