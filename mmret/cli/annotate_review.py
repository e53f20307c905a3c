"""`mmret annotate review`: people vote on triplets in their browsers."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from .common import ProjectFile, note

KEY = "MMRET_REVIEW_KEY"


def review(
    config: ProjectFile,
    reviewer: Annotated[
        list[str] | None, typer.Option(help="Name of somebody who may vote; repeat for several. Default: anybody.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen at; others than this machine see the clips.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen at; 0 takes a free one.")] = 7862,
) -> None:
    """Let people accept or reject triplets: a server until Ctrl-C. With MMRET_REVIEW_KEY set, ?key=… opens the page."""
    from ..pipelines.annotate.config import Config
    from ..pipelines.annotate.project import Project
    from ..pipelines.annotate.review import open_desk
    from ..pipelines.annotate.review.server import serve
    from ..serving.local import is_local

    key = os.environ.get(KEY) or None
    if key is None and not is_local(host):
        note(f"review: anybody who reaches {host} may vote; set {KEY} to ask for a key")
    project = Project(Config.read(config))
    with open_desk(project, reviewer or ()) as desk:
        note(f"review: {len(desk.items):,} items, votes in {project.votes}")
        serve(desk, project, host, port, lambda address: note(f"serving {address}"), key)
