"""Labels one can trust: `mmret review`, `mmret benchmarks leaks` and `mmret benchmarks duplicates`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .common import (
    A_BENCHMARK,
    Bench,
    BenchOption,
    Cache,
    Data,
    Json,
    Split,
    TimeLimit,
    View,
    WorkerCount,
    benchmark_names,
    note,
    show_mapping,
    write,
)

if TYPE_CHECKING:
    from ..benchmarks.duplicates import Matches, Record

Jaccard = Annotated[float, typer.Option(help="Least share of common word 3-grams of near texts.")]
Bits = Annotated[int, typer.Option(help="Most bits, of 256, in which the hashes of near pictures differ.")]


def review(
    runs: Annotated[list[Path], typer.Argument(help="Several runs: files, or output folders of `mmret eval`.")],
    bench: BenchOption,
    output: Annotated[Path, typer.Option("--output", "-o", help="List to write: JSON lines, or .csv.")],
    data: Data = None,
    view: View = None,
    split: Split = None,
    agree: Annotated[int, typer.Option(help="Systems that must put a document above every right one.")] = 2,
    depth: Annotated[int, typer.Option(help="Places of a list that count.")] = 10,
    cache: Cache = None,
) -> None:
    """List likely false negatives: documents that several systems put above the right ones."""
    from ..benchmarks import load_benchmark
    from ..evaluation.aligned import run_at
    from ..evaluation.review import likely_false_negatives, review_csv

    benchmark = load_benchmark(bench, data, cache=cache, view=view, split=split)
    names = [str(path) for path in runs]
    found = likely_false_negatives([run_at(path) for path in runs], names, benchmark, agree=agree, depth=depth)
    write(output, [review_csv(found)] if output.suffix == ".csv" else _lines(one.describe() for one in found))
    queries = len({one.query.id for one in found})
    note(f"{len(found):,} documents to look at, for {queries:,} of {len(benchmark.queries):,} queries")


def leaks(
    test: Bench,
    train: Annotated[str, typer.Option(help=f"Training data. {A_BENCHMARK}", autocompletion=benchmark_names)],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="List of all pairs to write, JSON lines.")
    ] = None,
    data: Data = None,
    split: Split = None,
    train_data: Annotated[Path | None, typer.Option(help="Folder of the training data, as --data.")] = None,
    train_split: Annotated[str | None, typer.Option(help="Which queries of the training data, as --split.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Compare all documents, not the right ones alone.")] = False,
    jaccard: Jaccard = 0.8,
    bits: Bits = 24,
    workers: WorkerCount = None,
    time_limit: TimeLimit = 60.0,
    cache: Cache = None,
    as_json: Json = False,
) -> None:
    """Find test documents and queries that are in the training data: by page, title, words and looks."""
    from ..benchmarks import duplicates as find
    from ..benchmarks.duplicates.material import read_material
    from ..media import Workers

    likeness = find.Likeness(jaccard, bits)
    asked = read_material(test, data, split=split, cache=cache, everything=everything)
    known = read_material(train, train_data, split=train_split, cache=cache, everything=everything)
    with Workers(workers, time_limit) as pool:
        documents = find.leaks(asked.documents, known.documents, likeness, pool, cache, show=True)
    queries = find.same_questions(asked.queries, known.queries)
    _tell([*asked.documents, *known.documents], documents)
    affected = asked.affected(documents, queries)
    touched = len({pair.first for pair in documents.pairs})
    summary: dict[str, object] = {
        "test documents": len(asked.documents),
        "of these in the training data": touched,
        "test queries": len(asked.queries),
        "of these affected": len(affected),
        **{f"pairs: {reason}": count for reason, count in (queries.counts() | documents.counts()).items()},
    }
    show_mapping(summary, as_json=as_json)
    if output is not None:
        kinds = (("query", queries), ("document", documents))
        write(output, _lines({"kind": kind} | pair.describe() for kind, found in kinds for pair in found.pairs))


def duplicates(
    name: Bench,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="List of all pairs to write, JSON lines.")
    ] = None,
    data: Data = None,
    jaccard: Jaccard = 0.8,
    bits: Bits = 24,
    workers: WorkerCount = None,
    time_limit: TimeLimit = 60.0,
    cache: Cache = None,
    as_json: Json = False,
) -> None:
    """Find documents of one corpus that are the same or nearly: by words and by looks."""
    from ..benchmarks import duplicates as find
    from ..benchmarks.duplicates.material import read_material
    from ..media import Workers

    likeness = find.Likeness(jaccard, bits)
    documents = read_material(name, data, cache=cache, everything=True).documents
    with Workers(workers, time_limit) as pool:
        found = find.duplicates(documents, likeness, pool, cache, show=True)
    _tell(documents, found)
    counts = {f"pairs: {reason}": count for reason, count in found.counts().items()}
    show_mapping({"documents": len(documents), **counts}, as_json=as_json)
    if output is not None:
        write(output, _lines(pair.describe() for pair in found.pairs))


def _tell(records: Sequence[Record], found: Matches) -> None:
    """What was not compared."""
    if not any(one.text or one.image for one in records):
        note("the documents have neither words nor pictures, so only their names were compared; clips are not")
    for name, reason in found.unreadable.items():
        note(f"picture of {name} was not compared: {reason}")


def _lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    return (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
