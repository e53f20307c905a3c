"""`mmret captions`: what captioners wrote."""

from __future__ import annotations

from typing import Annotated

import typer

from ..errors import InputError
from .common import Cache, Json, show_json

app = typer.Typer(help="Show what captioners wrote about sounds.", no_args_is_help=True)


@app.callback()
def _commands() -> None:
    """Keeps `show` a command of its own while it is the only one."""


@app.command("show")
def show_captions(
    clip: Annotated[str, typer.Argument(help="Name of a media file, or the beginning of its SHA-256.")],
    cache: Cache = None,
    as_json: Json = False,
) -> None:
    """Show the captions of a clip, by all captioners that were asked."""
    from ..encoders.captioners import find_captions
    from ..paths import cache_folder

    found = find_captions(cache_folder(cache), clip)
    if not found:
        raise InputError(
            f"no caption of {clip!r} in {cache_folder(cache) / 'captions'}; captions are made by mmret eval"
        )
    if as_json:
        show_json(found)
        return
    for one in found:
        print(f"{one['captioner']['name']}: {'(silent)' if one['silent'] else one['caption']}")
