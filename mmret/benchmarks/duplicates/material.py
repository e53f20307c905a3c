"""What is compared of a benchmark: its right documents or all of them, and its queries."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ...errors import InputError
from ..base import Benchmark
from ..registry import load_benchmark, tables_folder
from ..sources import Sources
from ..tarvir import Corpus, TableRecord, open_corpus
from .find import Matches, Record

# Ids of NQ-TABLES are the page's title and a hash in capital hex digits; TaR-ViR adds the number of the table.
_PAGE = re.compile(r"(.+)_[0-9A-F]{8,16}(_\d+)?")


@dataclass(frozen=True)
class Material:
    """One side of a comparison.

    Parameters
    ----------
    documents: those compared.
    queries: text alone; `right`: for each of them the ids of its right documents.
    """

    documents: list[Record]
    queries: list[Record]
    right: list[frozenset[str]]

    def affected(self, documents: Matches, queries: Matches) -> list[str]:
        """Ids of the queries that stand in a pair themselves, or one of whose right documents does, as the first."""
        leaked, asked = ({pair.first for pair in found.pairs} for found in (documents, queries))
        return [
            query.id
            for query, right in zip(self.queries, self.right, strict=True)
            if query.id in asked or not right.isdisjoint(leaked)
        ]


def page_of(name: str) -> str:
    """The page that an id of NQ-TABLES or TaR-ViR names; "" for other ids."""
    match = _PAGE.fullmatch(name)
    return match[1] if match else ""


def read_material(
    name: str,
    data: Path | None = None,
    *,
    split: str | None = None,
    cache: Path | None = None,
    everything: bool = False,
) -> Material:
    """Read a benchmark by its name or folder.

    Parameters
    ----------
    data, split, cache: as for `load_benchmark`.
    everything: take all documents, not the right ones alone.

    Of a benchmark of tables, titles, cells (or else what was read off the picture) and pictures are compared, whatever
    the view; of others the text and the picture of each document.
    """
    folder = tables_folder(name, data)
    if folder is not None:
        return _of_corpus(open_corpus(folder, Sources(data, cache, split=split)), everything=everything)
    return _of_benchmark(load_benchmark(name, data, cache=cache, split=split), everything=everything)


def _of_corpus(corpus: Corpus, *, everything: bool) -> Material:
    right = [frozenset(name for one in question.positives for name in one.names) for question in corpus.questions]
    wanted = frozenset[str]().union(*right)
    documents = {one.id: one for one in corpus.records() if everything or one.id in wanted}
    queries = [Record(question.id, text=question.text) for question in corpus.questions]
    return Material([_record(one) for one in documents.values()], queries, right)


def _record(one: TableRecord) -> Record:
    return Record(one.id, one.title, page_of(one.id), _words(one), one.image)


def _words(one: TableRecord) -> str:
    try:
        table = one.table
    except InputError:  # what holds no table is compared as it is
        table = None
    if table is not None:
        return " ".join(cell.text for row in table.rows for cell in row)
    return one.native.source if one.native is not None else one.ocr or ""


def _of_benchmark(benchmark: Benchmark, *, everything: bool) -> Material:
    items = benchmark.documents
    wanted: Iterable[int] = range(len(items)) if everything else sorted(set(benchmark.positives.positions.tolist()))
    documents = [
        Record(items[i].id, page=page_of(items[i].id), text=items[i].text or "", image=items[i].image) for i in wanted
    ]
    queries = [Record(query.id, text=query.text or "") for query in benchmark.queries]
    return Material(documents, queries, [frozenset(items[i].id for i in own.tolist()) for own in benchmark.positives])
