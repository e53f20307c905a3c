"""A project to vote on: six pairs with clips that play, verdicts of a careful judge, and controls."""

from __future__ import annotations

from pathlib import Path

from mmret.pipelines.annotate.config import Config
from mmret.pipelines.annotate.project import Project

from ....chat_server import chat_server
from ..test_verify_project import careful, make_project, verify

PAIRS = [f"{i:016x}" for i in range(6)]
WRONG = PAIRS[2]  # its text is, and the judge says so
VERDICT = "looked at it"  # what the judge says of everything
SETTINGS = """
[project]
name = "street-beach"
folder = "project"
[verify]
media = false
others = 2
controls = 24
false_accepts = 0.5
[review]
controls = 2
"""


def make(folder: Path, clip: Path) -> Path:
    """The settings of a project that has been verified."""
    with chat_server(careful) as server:
        made = make_project(folder, wrong={2}, pairs=len(PAIRS), judges=[f"llm:good@{server.address}"], controls=24)
        verify(made, folder / "cache")
    for path in (made.folder / "clips").iterdir():
        path.write_bytes(clip.read_bytes())
    config = folder / "config.toml"
    config.write_text(SETTINGS)
    return config


def opened(config: Path) -> Project:
    return Project(Config.read(config))
