"""A changed copy of a corpus of tables, as a benchmark of its own: a folder in mmret's layout of tables.

A copy holds the forms of a table that its view shows and no other: text read off sharp pictures is not that of blurred
ones. It is made beside its place and moved there when it is whole; a copy that was stopped goes on where it stood.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from ...benchmarks.tarvir import LAYOUT, View
from ...errors import InputError, RunError
from ...items import text_digest
from ...whole import write_whole
from ..ocr import create_engine
from ..ocr.base import identity
from ..render import Settings, chromium
from .changes import Change, Making, copied_view, making_of
from .source import Source
from .work import Work, line


@dataclass
class Copy:
    """A copy that was made.

    Parameters
    ----------
    view: the one to read it in.
    new: whether it was made now.
    failed: why tables could not be drawn, disturbed or read, by id; empty for one that was there.
    """

    folder: Path
    view: View
    new: bool = True
    failed: dict[str, str] = field(default_factory=dict)


def make_copy(source: Source, change: Change, folder: Path, *, untouched: bool = False, show: bool = False) -> Copy:
    """Copy a corpus into `folder`, with a change or, if `untouched`, without it but made in the same way.

    A folder that holds this copy already is left as it is. Raises `InputError` when it holds anything else, and
    `RunError` when it cannot be written.
    """
    making, view = making_of(change, source.view), copied_view(change, source.view)
    about = json.dumps(_about(source, change, making, untouched=untouched), indent=1)
    if _is_filled(folder):
        if _about_of(folder) != json.loads(about):
            raise InputError(f"{folder}: holds something else than this copy; name another folder, or remove it")
        return Copy(folder, view, new=False)
    if not folder.name:  # the working folder, in whose place another would be put
        raise InputError(f"{folder}: name a folder of its own for the copy")
    part = folder.with_name(f".{folder.name}.{text_digest(about)[:12]}.part")
    work = Work(source, None if untouched else change, making, view, part, show)
    try:
        (part / "images").mkdir(parents=True, exist_ok=True)
        work.write_corpus(work.pictures())
        _write_labels(source, part)
        write_whole(part / "benchmark.json", about.encode())
        part.replace(folder)
    except OSError as error:
        raise RunError(f"{folder}: the copy cannot be written: {error.strerror or error}") from error
    return Copy(folder, view, failed=work.failed)


def _about(source: Source, change: Change, making: Making, *, untouched: bool) -> dict[str, Any]:
    """The copy's `benchmark.json`: what it was made of, and how."""
    benchmark = source.benchmark
    return {
        "layout": LAYOUT,
        "name": f"{benchmark.name}+{making if untouched else change}",
        "version": benchmark.version,
        **{key: benchmark.about[key] for key in ("title", "licence") if key in benchmark.about},
        "copy": {
            "of": {name: getattr(benchmark, name) for name in ("name", "version", "digest", "view")},
            "change": None if untouched else str(change),
            "seed": source.seed,
            "drawn": {"from": making.drawn, "chromium": _chromium()} if making.drawn else None,
            "ocr": identity(create_engine(source.engine)) if making.read else None,
        },
    }


@cache
def _chromium() -> str:
    """Version of the browser: copies that are compared must not be drawn by different ones."""
    return chromium.version(Settings())


def _is_filled(folder: Path) -> bool:
    return folder.exists() and (not folder.is_dir() or any(folder.iterdir()))


def _about_of(folder: Path) -> Any:
    try:
        return json.loads((folder / "benchmark.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _write_labels(source: Source, part: Path) -> None:
    """Queries and right documents of the benchmark: those that are faulty or filtered out are not in it."""
    benchmark = source.benchmark
    labels = {question.id: list(question.labels) for question in source.corpus.questions}
    queries = [{"_id": item.id, "text": item.text, "labels": labels.get(item.id, [])} for item in benchmark.queries]
    rows, columns = benchmark.positives.rows.tolist(), benchmark.positives.positions.tolist()
    judges = benchmark.provenance.tolist() if benchmark.provenance is not None else [""] * len(rows)
    entries = zip(rows, columns, benchmark.gains.tolist(), judges, strict=True)
    qrels = [
        {
            "query-id": benchmark.queries[query].id,
            "corpus-id": benchmark.documents[document].id,
            "score": gain,
            "provenance": judge,
        }
        for query, document, gain, judge in entries
    ]
    write_whole(part / "queries.jsonl", b"".join(map(line, queries)))
    write_whole(part / "qrels" / "test.jsonl", b"".join(map(line, qrels)))  # an id may hold tabs
