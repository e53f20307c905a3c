"""`mmret cache`: what is kept, whether it is sound, and what can go."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import InputError, RunError
from .common import (
    Cache,
    Json,
    model_names,
    new_table,
    note,
    show,
    show_json,
)

if TYPE_CHECKING:
    from ..encoders.cache import Entry, Garbage

app = typer.Typer(help="List, check and clear what is kept of vectors, captions and pages.", no_args_is_help=True)


@app.command("ls")
def list_entries(cache: Cache = None, as_json: Json = False) -> None:
    """List what is kept of each model and side, its size, and when it was last used."""
    from ..encoders.cache import entries
    from ..paths import cache_folder

    found = entries(cache_folder(cache))
    if as_json:
        show_json([_plain(entry) for entry in found])
        return
    table = new_table(
        ("kind", "by", "items", "size", "last used", "in"),
        ("kind", "by", "last used", "in"),
        caption=f"{cache_folder(cache)}; {_mb(sum(entry.size for entry in found))} in all",
    )
    for entry in found:
        table.add_row(entry.kind, entry.name, f"{entry.items:,}", _mb(entry.size), _date(entry), entry.path.name)
    show(table)


@app.command()
def verify(cache: Cache = None) -> None:
    """Read all vectors and name what is damaged or gone (exit code 1); it is embedded again when it is needed."""
    from ..encoders.cache import count_shards, damaged_shards
    from ..paths import cache_folder
    from ..progress import bar

    folder = cache_folder(cache)
    count = count_shards(folder)
    with bar(count, "read vectors", "file") as progress:
        damaged = [shard.path for shard in damaged_shards(folder, progress.update)]
    for path in damaged:
        print(path)
    if damaged:
        raise RunError(f"{len(damaged)} of {count} files are damaged or gone; mmret cache gc takes them out")
    note(f"{count} files, all sound")


@app.command()
def gc(
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", help="Also all vectors of this model.", autocompletion=model_names),
    ] = None,
    older_than: Annotated[float | None, typer.Option(help="Also vectors that were not used for so many days.")] = None,
    max_gb: Annotated[
        float | None, typer.Option(help="Also the vectors longest unused, until no more than so many GB are left.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and remove nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    cache: Cache = None,
) -> None:
    """Remove damaged vectors and what killed runs left behind; by option whole stores of vectors.

    What was written or used within an hour stays, since a run may be at work on it.
    """
    from ..encoders.cache import garbage, remove
    from ..paths import cache_folder

    max_size = None if max_gb is None else int(max_gb * 1e9)
    found = garbage(cache_folder(cache), model=model, older_than=older_than, max_size=max_size)
    _tell(found)
    if dry_run or not found:
        return
    if not yes:
        if not sys.stdin.isatty():
            raise InputError("nothing was removed: say --yes, or --dry-run to see only what would go")
        typer.confirm("Remove this?", abort=True, err=True)
    remove(found)
    note("removed")


def _tell(found: Garbage) -> None:
    for store in found.stores:
        print(f"{store.path}: {store.items:,} {store.kind} by {store.name}, {_mb(store.size)}")
    for damaged in found.damaged.values():
        for shard in damaged:
            print(f"{shard.path}: damaged or gone")
    for path in found.unnamed:
        print(f"{path}: no manifest names it")
    for store in found.busy:
        note(f"{store.path}: was used within the last hour and stays")
    note(f"{_mb(found.size)} can go")


def _plain(entry: Entry) -> dict[str, Any]:
    return asdict(entry) | {"path": str(entry.path), "used": _date(entry)}


def _date(entry: Entry) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(entry.used, UTC).strftime("%Y-%m-%d %H:%M")


def _mb(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
