"""What the commands share: options, and how they print. Answers go to stdout, progress and trouble to stderr."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import InputError, RunError

if TYPE_CHECKING:
    from rich.table import Table


def benchmark_names(incomplete: str) -> list[str]:
    """Names of benchmarks, for the completion of a shell; none for what looks like a path."""
    if incomplete.startswith((".", "/", "~")):
        return []
    from ..benchmarks import benchmarks

    return [*benchmarks()]


def model_names() -> list[str]:
    """Names of models, for the completion of a shell."""
    from ..encoders import encoders

    return [*encoders()]


BoardFolder = Annotated[Path, typer.Argument(help="Folder of the board, made by `mmret board init`.")]
ProjectFile = Annotated[Path, typer.Argument(help="Settings of the project, TOML, written by `mmret annotate init`.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
A_BENCHMARK = "Name of a benchmark, or a folder that holds one."
Bench = Annotated[str, typer.Argument(help=A_BENCHMARK, autocompletion=benchmark_names)]
BenchOption = Annotated[str, typer.Option("--bench", "-b", help=A_BENCHMARK, autocompletion=benchmark_names)]
ModelOption = Annotated[str, typer.Option("--model", "-m", help="Name of a model.", autocompletion=model_names)]
Data = Annotated[Path | None, typer.Option(help="Folder of the benchmark's data, where it is not the usual one.")]
Cache = Annotated[Path | None, typer.Option(envvar="MMRET_CACHE", help="Folder for vectors and media reports.")]
Exclusions = Annotated[
    Path | None,
    typer.Option(help="List of what is left out. Default: exclusions.json beside the data."),
]
Slices = Annotated[Path | None, typer.Option(help="Slices: CSV or Parquet of slice, and query or source, target.")]
View = Annotated[
    str | None, typer.Option(help="What is shown of tables, such as title=text,content=image; see docs/tables.md.")
]
FieldMap = Annotated[Path | None, typer.Option(help="JSON file: which keys of a benchmark's files mean what.")]
Split = Annotated[str | None, typer.Option(help="Which queries, where a benchmark of tables has several sets.")]
Provenance = Annotated[
    str | None, typer.Option(help="Keep only labels that come from these, separated by commas: human, model:ID, scan.")
]
Choices = Annotated[
    list[str] | None, typer.Option("--set", help="NAME=VALUE, a part or prompt of the model; repeat for several.")
]
Measures = Annotated[list[str] | None, typer.Option(help="Measure such as nDCG@10; repeat for several.")]
Limit = Annotated[int | None, typer.Option(help="Score this many queries only, sampled by slice.")]
Device = Annotated[str, typer.Option(help="Device of torch, such as cpu or cuda.")]
Dtype = Annotated[str, typer.Option(help="Type of weights: float32, bfloat16 or float16.")]
OnRay = Annotated[
    str | None,
    typer.Option(help="Work on a Ray cluster: HOST:PORT; auto, the one in RAY_ADDRESS; local, one that is started."),
]
WorkerCount = Annotated[int | None, typer.Option(help="Decoding processes. Default: one for each core, at most 8.")]
TimeLimit = Annotated[float, typer.Option(help="Seconds a decoder may take for one file.")]


def choices_of(pairs: Sequence[str] | None) -> dict[str, str]:
    """What `--set` was given. Raises `InputError` for a text that is no NAME=VALUE."""
    chosen = {}
    for text in pairs or ():
        name, separator, value = text.partition("=")
        if not name or not separator:
            raise InputError(f"--set takes NAME=VALUE, not {text!r}")
        chosen[name] = value
    return chosen


def names(text: str | None) -> list[str]:
    """The parts of a list with commas."""
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def note(text: str) -> None:
    """A line on stderr."""
    print(text, file=sys.stderr)


def write(path: Path, texts: Iterable[str]) -> None:
    """Write a file whole or not at all, and say so. Raises `RunError` where it cannot be written."""
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("w", encoding="utf-8", errors="surrogatepass", newline="") as file:
            file.writelines(texts)
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise RunError(f"{path}: cannot be written: {error.strerror or error}") from error
    note(f"written: {path}")


def new_table(headings: Sequence[str], left: Collection[str], *, no_wrap: bool = False, **layout: Any) -> Table:
    """A table without rows; the columns in `left` hold words, the others numbers. `layout` is rich's."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, **layout)
    for heading in headings:
        table.add_column(heading, justify="left" if heading in left else "right", no_wrap=no_wrap, overflow="fold")
    return table


def show(table: Table) -> None:
    """A table on stdout; what looks like markup in it is text, such as the brackets of an extra."""
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else 160, markup=False, emoji=False).print(table)


def show_json(value: object) -> None:
    """Plain values as JSON on stdout; what is infinite or no number, of which JSON has no word, is null."""
    import json

    plain = json.loads(json.dumps(value), parse_constant=lambda _: None)
    print(json.dumps(plain, indent=1, ensure_ascii=False))


def show_mapping(mapping: Mapping[str, object], *, as_json: bool) -> None:
    """Names and values, one a line."""
    if as_json:
        show_json(mapping)
        return
    width = max(map(len, mapping), default=0)
    for key, value in mapping.items():
        print(f"{key:<{width}}  {value}")
