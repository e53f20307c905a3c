"""A corpus of tables that is to be disturbed, and the benchmark that it makes in one view."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

from ...benchmarks import Benchmark, Sources, load_benchmark, tables_folder
from ...benchmarks.tarvir import Corpus, TableRecord, View, open_corpus
from ...errors import InputError


@dataclass(frozen=True)
class Source:
    """What is copied.

    Parameters
    ----------
    benchmark: as loaded in the view whose copies are made.
    corpus: its tables in all their forms.
    folder: where its files lie, and the pictures that its HTML names.
    seed: of everything random.
    engine: reads text off pictures, see `mmret.pipelines.ocr`.
    workers: processes that draw and read; one for each core when None.
    cache: mmret's cache folder; the user's when None.
    """

    benchmark: Benchmark
    corpus: Corpus
    folder: Path
    seed: int = 0
    engine: str = "rapidocr"
    workers: int | None = None
    cache: Path | None = None

    @cached_property
    def view(self) -> View:
        """What the benchmark shows."""
        return View.parse(self.benchmark.view)

    @cached_property
    def sample(self) -> list[TableRecord]:
        """The first tables, which tell what the corpus holds."""
        return list(islice(self.corpus.records(), 100))

    def records(self) -> Iterator[TableRecord]:
        """The tables, of those with one id the first."""
        seen = set()
        for record in self.corpus.records():
            if record.id not in seen:
                seen.add(record.id)
                yield record


def open_source(
    name: str, sources: Sources, *, seed: int = 0, engine: str = "rapidocr", workers: int | None = None
) -> Source:
    """A benchmark of tables by its name or folder. Raises `InputError` for one that is of something else."""
    benchmark = load_benchmark(
        name,
        sources.data,
        cache=sources.cache,
        view=sources.view,
        field_map=sources.field_map,
        split=sources.split,
    )
    folder = tables_folder(name, sources.data)
    if folder is None:
        raise InputError(f"{name}: no benchmark of tables, so there is nothing here that a perturbation could change")
    benchmark.need_labels()
    return Source(benchmark, open_corpus(folder, sources), folder, seed, engine, workers, sources.cache)
