"""What those who run a board do beside serving it: decide, rescore, export, back up."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated, Literal, get_args

import typer

from .common import BoardFolder, Json, note, show_mapping, write

Actor = Annotated[
    str,
    typer.Option(
        "--as", default_factory=getpass.getuser, show_default="login name", help="Your name, for the audit log."
    ),
]
Document = Annotated[Path, typer.Argument(help="File that a board exported.", exists=True, dir_okay=False)]


Decision = Literal["verify", "flag", "hide", "restore"]
"""What is decided about a submission."""


def moderate(
    folder: BoardFolder,
    actor: Actor,
    submission: Annotated[
        str | None, typer.Argument(help="Id of the submission. Default: list the flagged ones.")
    ] = None,
    decision: Annotated[Decision | None, typer.Argument(help="What to do with it.")] = None,
    reason: Annotated[str, typer.Option(help="Why, for its team; needed to flag and to hide.")] = "",
    as_json: Json = False,
) -> None:
    """Decide about a submission, or list those that wait for a decision."""
    from ..errors import InputError
    from ..leaderboard.board import Board
    from ..leaderboard.board.states import flagged
    from ..leaderboard.board.states import moderate as decide

    with Board.open(folder) as board:
        if submission is None:
            waiting = {one.id: f"{one.benchmark_id}, {one.team.name}: {one.reason}" for one in flagged(board)}
            show_mapping(waiting, as_json=as_json)
            return
        if decision is None:
            raise InputError(f"say what to do with {submission}: {', '.join(get_args(Decision))}")
        decided = decide(board, submission, decision, actor=actor, reason=reason)
    note(f"{decided.id} is {decided.state} now")


def close(
    folder: BoardFolder,
    benchmark: Annotated[str, typer.Argument(help="Id of the benchmark.")],
    actor: Actor,
    undo: Annotated[bool, typer.Option("--undo", help="Let it take submissions again.")] = False,
) -> None:
    """Let a benchmark take no submissions any more; its table stays."""
    from ..leaderboard.board import Board
    from ..leaderboard.board.benchmarks import close as shut

    with Board.open(folder) as board:
        shut(board, benchmark, actor=actor, closed=not undo)
    note(f"{benchmark} takes submissions again" if undo else f"{benchmark} takes no submissions any more")


def disable(
    folder: BoardFolder,
    team: Annotated[str, typer.Argument(help="Name of the team.")],
    actor: Actor,
    undo: Annotated[bool, typer.Option("--undo", help="Let its tokens be good again.")] = False,
) -> None:
    """Refuse all tokens of a team; what it has submitted stays."""
    from ..leaderboard.board import Board
    from ..leaderboard.board.teams import disable as refuse

    with Board.open(folder) as board:
        refuse(board, team, actor=actor, disabled=not undo)
    note(f"the tokens of {team} are good again" if undo else f"no token of {team} is good any more")


def rescore(
    folder: BoardFolder,
    actor: Actor,
    benchmark: Annotated[str | None, typer.Argument(help="Id of a benchmark. Default: all.")] = None,
    outdated: Annotated[bool, typer.Option("--outdated", help="Only what another scorer version scored.")] = False,
) -> None:
    """Have submissions scored again, after a change of scorer or labels; workers do it."""
    from ..leaderboard.board import Board
    from ..leaderboard.board.scorer import SCORER_VERSION
    from ..leaderboard.board.states import rescore as queue

    with Board.open(folder) as board:
        queued = queue(board, benchmark, actor=actor, outdated=SCORER_VERSION if outdated else None)
    note(f"{queued} submissions are queued to be scored again")


def export(
    folder: BoardFolder,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write. Default: standard output.")
    ] = None,
) -> None:
    """Write the public tables as signed JSON."""
    from ..leaderboard.board import Board
    from ..leaderboard.board.export import export as exported
    from ..leaderboard.board.signing import public_key

    with Board.open(folder) as board:
        document = exported(board)
        key = public_key(folder)
    if output is None:
        print(document.decode(), end="")
    else:
        write(output, [document.decode()])
    note(f"signed with the key {key}")


def verify(
    document: Document,
    key: Annotated[str | None, typer.Option(help="Public key that must have signed it.")] = None,
) -> None:
    """Check the signature of an exported table."""
    from ..leaderboard.board.export import verified

    found, signer = verified(document.read_bytes(), key)
    print(
        f"{document}: unchanged since the board with the key {signer} exported it at {found.exported_at:%Y-%m-%d %H:%M}"
    )


def import_tables(
    folder: BoardFolder,
    document: Document,
    key: Annotated[str, typer.Option(help="Public key of the other board, as its people told you.")],
    actor: Actor,
) -> None:
    """Show what another board exported beside your rows, marked and not ranked."""
    from ..leaderboard.board import Board
    from ..leaderboard.board.export import import_tables as take_in

    with Board.open(folder) as board:
        found = take_in(board, document.read_bytes(), key, actor=actor)
    note(f"its rows are shown on {', '.join(found)}")


def backup(
    folder: BoardFolder,
    target: Annotated[Path, typer.Argument(help="Folder for the copy, which does not exist yet.")],
    database: Annotated[
        str,
        typer.Option(
            envvar="MMRET_BACKUP_DATABASE",
            hide_input=True,
            help="URL of an empty PostgreSQL database for the copy, or sqlite.",
        ),
    ] = "sqlite",
) -> None:
    """Copy a whole board while it works; the copy is a board."""
    from ..errors import RunError
    from ..leaderboard.board import Board
    from ..leaderboard.board.backup import back_up

    with Board.open(folder) as board:
        copied = back_up(board, target, database)
    note(f"{target}: a copy of the board with {copied.files:,} files")
    if copied.lost:
        raise RunError("the copy lacks what the board has lost: " + "; ".join(copied.lost))
