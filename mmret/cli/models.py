"""`mmret models`: what can answer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .common import Json, model_names, note, show, show_json, show_mapping

app = typer.Typer(help="List and show models, and start one of your own.", no_args_is_help=True)


@app.command("list")
def models_list(as_json: Json = False) -> None:
    """List all models: what each reads of queries and documents, its size and licence, and whether it can run here."""
    from ..encoders import encoders
    from .tables import models_table

    specs = [cls.spec for cls in encoders().values()]
    show_json([spec.describe() for spec in specs]) if as_json else show(models_table(specs))


@app.command("show")
def models_show(
    name: Annotated[str, typer.Argument(help="Name of a model.", autocompletion=model_names)], as_json: Json = False
) -> None:
    """Show one model: modalities, size, licence, training data, limits, and how to get it."""
    from ..encoders import find_encoder

    show_mapping(find_encoder(name).spec.describe(), as_json=as_json)


@app.command("new")
def models_new(
    name: Annotated[str, typer.Argument(help="Name of the model and its package, such as my-model.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder to write. Default: one of that name.")
    ] = None,
) -> None:
    """Start a model of your own: a small package that can be installed, with a test."""
    from ..encoders.skeleton import write_skeleton

    target = output or Path(name)
    for path in write_skeleton(name, target):
        print(path)
    note(f"next: pip install --editable {target} && mmret eval --bench omnicvr-mini --model {name}")
