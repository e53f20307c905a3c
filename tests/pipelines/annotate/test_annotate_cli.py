"""`mmret annotate`: begin, segment and report from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from mmret.cli.annotate import app
from mmret.errors import InputError
from mmret.pipelines.annotate.config import Config
from mmret.pipelines.annotate.project import Project

from .films import Shot, write_film


def invoke(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(one) for one in arguments])
    if result.exception is not None:
        raise result.exception
    return result.stdout


def test_init_names_the_videos(tmp_path: Path) -> None:
    invoke("init", tmp_path / "a.toml", "--videos", tmp_path / "my films", "--licence", 'CC-BY 4.0 "or later"')
    (source,) = Config.read(tmp_path / "a.toml").source
    assert (source.folder, source.licence) == (tmp_path / "my films", 'CC-BY 4.0 "or later"')


def test_from_init_to_report(tmp_path: Path) -> None:
    config = tmp_path / "new" / "config.toml"
    invoke("init", config)
    with pytest.raises(InputError, match="there is one already"):
        invoke("init", config)
    with pytest.raises(InputError, match="videos is no folder"):
        invoke("segment", config)
    (config.parent / "videos").mkdir()
    write_film(config.parent / "videos" / "film.mp4", [Shot(5, 1), Shot(2, 2)])
    assert invoke("segment", config, "--workers", "1") == ""
    project = Project(Config.read(config))
    assert project.counts("scan") == {"accepted": {"": 1}}
    assert project.counts("segment") == {"accepted": {"": 1}, "rejected": {"too short": 1}}
    assert "too short" in invoke("report", config)
