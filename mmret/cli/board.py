"""`mmret board`: run a leaderboard."""

from __future__ import annotations

from typing import Annotated

import typer

from . import board_admin, board_serve
from .common import Bench, BoardFolder, Cache, Data, FieldMap, Json, Slices, Split, View, note, show_mapping

app = typer.Typer(
    help="Run a leaderboard.\n\nIts tables are SQLite in its folder, or PostgreSQL at the URL in MMRET_BOARD_DATABASE.",
    no_args_is_help=True,
)
token = typer.Typer(help="Issue, list and revoke the tokens with which teams submit.", no_args_is_help=True)
app.add_typer(token, name="token")


@app.command()
def init(folder: BoardFolder) -> None:
    """Make a board, or bring the tables of an older one up to date."""
    from ..leaderboard.board import Board

    with Board.make(folder):
        note(f"{folder}: the board is ready; add a benchmark: mmret board add-benchmark {folder} omnicvr-mini")


@app.command()
def team(
    folder: BoardFolder,
    name: Annotated[str, typer.Argument(help="Name, as the board shows it.")],
    contact: Annotated[str, typer.Option(help="How to reach them; never shown.")] = "",
) -> None:
    """Add a team."""
    from ..leaderboard.board import Board
    from ..leaderboard.board.teams import create_team

    with Board.open(folder) as board:
        made = create_team(board, name, contact)
    note(f"{made.name} is a team now; give them a token: mmret board token issue {folder} '{made.name}'")


@token.command()
def issue(
    folder: BoardFolder,
    team: Annotated[str, typer.Argument(help="Name of the team.")],
    label: Annotated[str, typer.Option(help="What it is for, to tell it from others.")] = "",
    scope: Annotated[
        list[str] | None,
        typer.Option(help="What it allows: submit, withdraw or read; repeat for several. Default: all."),
    ] = None,
    days: Annotated[int | None, typer.Option(min=1, help="For how long. Default: until it is revoked.")] = None,
) -> None:
    """Print a new token, once: it is kept nowhere."""
    from datetime import timedelta

    from ..leaderboard.board import Board
    from ..leaderboard.board.database import now
    from ..leaderboard.board.teams import SCOPES, issue_token

    expires_at = None if days is None else now() + timedelta(days=days)
    with Board.open(folder) as board:
        print(issue_token(board, team, label=label, scopes=scope or SCOPES, expires_at=expires_at))
    note("hand it on where nobody else reads, and write it into no command line: MMRET_BOARD_TOKEN")


@token.command("list")
def list_tokens(folder: BoardFolder, as_json: Json = False) -> None:
    """List all tokens, without their secrets."""
    from ..leaderboard.board import Board
    from ..leaderboard.board.teams import tokens

    with Board.open(folder) as board:
        found = tokens(board)
    dates = ("created_at", "expires_at", "revoked_at", "last_used_at")
    rows = {
        one.prefix: {"team": one.team.name, "label": one.label, "scopes": one.scopes}
        | {date: at.isoformat(timespec="seconds") for date in dates if (at := getattr(one, date)) is not None}
        for one in found
    }
    show_mapping(rows, as_json=as_json)


@token.command()
def revoke(folder: BoardFolder, prefix: Annotated[str, typer.Argument(help="The eight signs after mmret_.")]) -> None:
    """Make a token useless from now on."""
    from ..leaderboard.board import Board
    from ..leaderboard.board.teams import revoke as revoke_token

    with Board.open(folder) as board:
        revoke_token(board, prefix)
    note(f"{prefix} is revoked")


@app.command("add-benchmark")
def add(
    folder: BoardFolder,
    name: Bench,
    data: Data = None,
    slices: Slices = None,
    view: View = None,
    field_map: FieldMap = None,
    split: Split = None,
    cache: Cache = None,
    identity: Annotated[
        str | None, typer.Option("--id", help="As it stands in addresses. Default: made from its name.")
    ] = None,
    hidden: Annotated[bool, typer.Option("--hidden", help="Nobody but the board has the labels.")] = False,
    public_of: Annotated[
        str | None, typer.Option(help="With --hidden: id of its public counterpart, to show the gap between the two.")
    ] = None,
    quota_day: Annotated[
        int | None,
        typer.Option(min=0, help="Submissions of a team a UTC day, 0 for any number. Default: 20; hidden 2."),
    ] = None,
    quota_total: Annotated[
        int | None, typer.Option(min=0, help="Submissions of a team in all, 0 for any number. Default: any; hidden 50.")
    ] = None,
    decimals: Annotated[
        int | None, typer.Option(min=1, max=6, help="With --hidden: what figures are rounded to. Default: 3.")
    ] = None,
    protocol: Annotated[
        str | None, typer.Option(help="The protocol shown first. Default: the first usual one.")
    ] = None,
    measure: Annotated[
        str | None, typer.Option(help="The measure ranked by first. Default: the first usual one.")
    ] = None,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Change labels or terms of a benchmark that is there; then rescore."),
    ] = False,
) -> None:
    """Add a benchmark; its labels are frozen and stay in the board's private folder."""
    from dataclasses import replace as changed

    from ..benchmarks import load_benchmark
    from ..errors import InputError
    from ..leaderboard.board import Board
    from ..leaderboard.board.benchmarks import Terms, add_benchmark

    if not hidden and (public_of is not None or decimals is not None):
        raise InputError("--public-of and --decimals are for a benchmark with --hidden labels")
    usual = Terms.usual(hidden=hidden)
    terms = changed(
        usual,
        public_id=public_of,
        quota_day=usual.quota_day if quota_day is None else quota_day or None,
        quota_total=usual.quota_total if quota_total is None else quota_total or None,
        decimals=decimals or usual.decimals,
    )
    with Board.open(folder) as board:
        labelled = load_benchmark(name, data, slices=slices, cache=cache, view=view, field_map=field_map, split=split)
        added = add_benchmark(
            board,
            labelled,
            terms,
            source=name if data is None else f"{name} in {data}",
            identity=identity,
            main_protocol=protocol,
            main_measure=measure,
            replace=overwrite,
        )
    note(f"{added.id}: {len(labelled.queries)} queries, by {added.main_measure} under {', '.join(added.protocols)}")


@app.command()
def worker(
    folder: BoardFolder,
    once: Annotated[bool, typer.Option("--once", help="End when nothing is queued.")] = False,
    time_limit: Annotated[float, typer.Option(min=1, help="Seconds that scoring one submission may take.")] = 300.0,
    memory: Annotated[float, typer.Option(min=1, help="GiB of address space that it may take.")] = 4.0,
) -> None:
    """Score what is submitted; several may run side by side."""
    import logging

    from ..leaderboard.board import Board
    from ..leaderboard.board.worker import Limits, run

    handler, logger = logging.StreamHandler(), logging.getLogger("mmret")
    handler.setFormatter(logging.Formatter("%(message)s %(fields)s", defaults={"fields": ""}))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    with Board.open(folder) as board:
        ended = run(board, once=once, limits=Limits(time_limit, int(memory * 2**30)))
    note(f"nothing is queued any more; jobs ended: {ended}")


app.command()(board_serve.serve)
for _command in (
    board_admin.moderate,
    board_admin.close,
    board_admin.disable,
    board_admin.rescore,
    board_admin.export,
    board_admin.verify,
    board_admin.backup,
):
    app.command()(_command)
app.command("import")(board_admin.import_tables)
