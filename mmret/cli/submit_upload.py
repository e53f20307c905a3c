"""Send a submission to a board."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .common import Json, note, show, show_json


def upload(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="What `mmret submit pack` made.")],
    url: Annotated[str, typer.Option(help="The board, such as https://board.example.org.")],
    token: Annotated[
        str, typer.Option(envvar="MMRET_BOARD_TOKEN", hide_input=True, help="Your team's; better by the environment.")
    ],
    benchmark: Annotated[
        str | None,
        typer.Option("--benchmark", "-b", help="Its id on the board. Default: the one the file is made for."),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the score.")] = False,
    patience: Annotated[float, typer.Option(help="Seconds to wait for the score.")] = 600,
    as_json: Json = False,
) -> None:
    """Upload a submission; sending a file again, or after a lost connection, is safe."""
    from ..errors import RunError
    from ..leaderboard.submissions import read_description
    from ..leaderboard.web.client import Client, told
    from .tables import scores_table

    with Client(url, token, note) as client:
        sent = client.submit(file, benchmark or client.benchmark_of(read_description(file).benchmark.digest))
        number = sent["submission"]
        for fault in sent["warnings"]:
            note(told(fault))
        note(f"{number}: {'accepted' if sent['created'] else 'your team has sent this very file before'}")
        found = client.scored(number, patience) if wait else client.submission(number)
        scores = client.scores(number)
    if found["state"] == "failed":
        raise RunError(f"{number}: it could not be scored: {found['reason']}")
    if as_json:
        show_json(found | {"scores": scores})
    elif scores:
        show(scores_table(scores, _standing(found)))
    else:
        print(_standing(found))


def _standing(found: dict[str, Any]) -> str:
    reason = f": {found['reason']}" if found["reason"] else ""
    return f"{found['id']} on {found['benchmark']} is {found['state']}{reason}"
