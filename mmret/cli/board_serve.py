"""Serve a board."""

from __future__ import annotations

from typing import Annotated

import typer

from .common import BoardFolder


def serve(
    folder: BoardFolder,
    host: Annotated[str, typer.Option(help="Address to listen at; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen at; 0 takes a free one.")] = 7860,
    workers: Annotated[
        int, typer.Option(min=0, help="Scoring processes; 0 where `mmret board worker` runs on its own.")
    ] = 1,
    requests: Annotated[
        float, typer.Option(min=1, help="Requests a minute allowed to each address and each token.")
    ] = 1200,
    proxy: Annotated[
        list[str] | None,
        typer.Option(help="Address or network of a reverse proxy that is believed; repeat for several."),
    ] = None,
    frame: Annotated[
        list[str] | None,
        typer.Option(
            help="Origin whose pages may frame the board, such as https://huggingface.co; repeat for several."
        ),
    ] = None,
    explore: Annotated[
        list[str] | None,
        typer.Option(
            help="Benchmark whose media, and what ranked submissions to it answered, everybody may see: ID, or "
            "ID=BENCH to load it by another name or folder than it was added by; repeat for several."
        ),
    ] = None,
) -> None:
    """Serve a board and score what is submitted, until it is stopped; PostgreSQL by MMRET_BOARD_DATABASE."""
    from ..leaderboard.web.limits import Limits
    from ..leaderboard.web.server import run_server

    limits = Limits(requests=requests)
    chosen = {identity: name for identity, _, name in (one.partition("=") for one in explore or ())}
    run_server(
        folder,
        host=host,
        port=port,
        workers=workers,
        limits=limits,
        proxies=proxy or (),
        frames=frame or (),
        explore=chosen,
    )
