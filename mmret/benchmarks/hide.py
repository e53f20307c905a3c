"""The public copy of a benchmark whose labels stay where they are: what is asked and among what, not what is right."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import InputError, RunError, first_ten
from ..items import Item, Media
from .base import Benchmark
from .composed import HIDDEN
from .composed import LAYOUT as COMPOSED
from .sources import Sources
from .tarvir import LAYOUT as TABLES
from .tarvir import corpus_files

_SHOWN = ("title", "description", "licence", "annotated_by")  # of what benchmark.json says


def hide(benchmark: Benchmark, folder: Path, target: Path, slices: Sequence[str] = ()) -> None:
    """Write a copy of a benchmark without its labels, whole or not at all.

    It is written anew from what a benchmark is known to be, in the layout of `mmret.benchmarks.composed` or, for
    tables, as corpus and queries; so fields that mmret does not know, which may tell the answer, do not come along.
    Only the corpus of tables is taken as it is. Media are hard links where the disk allows it, else copies. Both have
    one `Benchmark.ground_digest`.

    Parameters
    ----------
    folder: where the benchmark's files lie.
    target: folder to write, which must not exist.
    slices: those to keep; all others go, because many are made from the right documents.

    Raises `InputError` where there is nothing to hide, or what is asked for cannot be had; `RunError` when the disk
    refuses.
    """
    benchmark.need_labels()
    _refuse(benchmark, target, slices)
    part = target.with_name(f"{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir(parents=True)
        if benchmark.view:
            _write_tables(benchmark, folder, part, slices)
        else:
            _write_composed(benchmark, part, slices)
        part.replace(target)
    except OSError as error:
        raise RunError(f"{target}: the copy cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _refuse(benchmark: Benchmark, target: Path, slices: Sequence[str]) -> None:
    if target.exists():
        raise InputError(f"{target}: is there already; name a folder that is not")
    unknown = [label for label in slices if label not in benchmark.slices]
    if unknown:
        raise InputError(f"{benchmark.name} has no slice {first_ten(unknown)}; it has: {', '.join(benchmark.slices)}")
    if benchmark.usable() is not benchmark:
        listed = [*benchmark.excluded.of_documents, *benchmark.excluded.of_queries]
        raise InputError(
            f"{benchmark.name}: its exclusion list names {first_ten(listed)}; a copy cannot say why without telling "
            "answers: take them out of the benchmark's own files, or mend them"
        )


def _write_composed(benchmark: Benchmark, target: Path, slices: Sequence[str]) -> None:
    media = _Media(target)
    ids = [item.id for item in benchmark.documents]
    items = (*benchmark.documents, *benchmark.queries)
    sound = any(item.audio is not None for item in items)
    odd = [item.id for item in items if item.audio != (item.video if sound else None)]
    if odd:
        raise InputError(
            f"{benchmark.name}: a copy can say no other sound than the track of each video; not so are {first_ten(odd)}"
        )
    about = _about(benchmark, COMPOSED) | {
        "requires": sorted(benchmark.needs),
        "sound": sound,
        "sound_slices": sorted(benchmark.sound_slices.intersection(slices)),
    }
    galleries = benchmark.galleries
    shared = galleries is not None and len(galleries) == 1
    if galleries is not None and shared:
        about["gallery"] = [ids[i] for i in galleries[0]]
    _write_rows(target / "documents.jsonl", (media.row(item) for item in benchmark.documents))

    def queries() -> Iterator[dict[str, Any]]:
        sources = [-1] * len(benchmark.queries) if benchmark.source is None else benchmark.source.tolist()
        labels = _labels(benchmark, slices)
        for i, (item, source) in enumerate(zip(benchmark.queries, sources, strict=True)):
            row = media.row(item) if source < 0 else {"id": item.id, "text": item.text, "source": ids[source]}
            own = {"gallery": [ids[p] for p in galleries[i]]} if galleries is not None and not shared else {}
            yield row | own | ({"slices": labels[i]} if labels[i] else {})

    _write_rows(target / "queries.jsonl", queries())
    _write_json(target / "benchmark.json", about)


def _write_tables(benchmark: Benchmark, folder: Path, target: Path, slices: Sequence[str]) -> None:
    for name in corpus_files(folder, Sources()):
        _link(folder / name, target / name)
    labels = _labels(benchmark, slices)
    rows = [
        {"_id": item.id, "text": item.text} | ({"labels": labels[i]} if labels[i] else {})
        for i, item in enumerate(benchmark.queries)
    ]
    _write_rows(target / "queries.jsonl", rows)
    _write_json(target / "benchmark.json", _about(benchmark, TABLES))


def _about(benchmark: Benchmark, layout: str) -> dict[str, Any]:
    facts = {key: benchmark.about[key] for key in _SHOWN if key in benchmark.about}
    return {"layout": layout, "name": benchmark.name, "version": benchmark.version, "labels": HIDDEN} | facts


def _labels(benchmark: Benchmark, slices: Sequence[str]) -> list[list[str]]:
    """The kept slices of each query."""
    labels: list[list[str]] = [[] for _ in benchmark.queries]
    for label in slices:
        for i in benchmark.slices[label].tolist():
            labels[i].append(label)
    return labels


class _Media:
    """Media under names that say nothing: numbers, in the order in which they are met."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._names: dict[Path, str] = {}

    def row(self, item: Item) -> dict[str, Any]:
        """An item as the layout has it."""
        row: dict[str, Any] = {"id": item.id} | ({} if item.text is None else {"text": item.text})
        return row | {
            key: self._name(one) for key, one in (("video", item.video), ("image", item.image)) if one is not None
        }

    def _name(self, media: Media) -> str:
        if media.path not in self._names:
            name = f"media/{len(self._names) + 1:06d}{media.path.suffix.lower()}"
            _link(media.path, self._target / name)
            self._names[media.path] = name
        inside = f"/{media.member}" if media.member else ""
        return self._names[media.path] + inside


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if not source.is_file():
        raise InputError(f"{source}: the file is missing; see: mmret benchmarks verify")
    try:
        os.link(source.resolve(), target)
    except OSError:  # another disk, or one that has no links
        shutil.copyfile(source, target)


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
