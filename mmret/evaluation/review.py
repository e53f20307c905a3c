"""Likely false negatives: documents that no label calls right and that several systems put above those that are."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..benchmarks import Benchmark
from ..errors import InputError
from ..items import Item
from .aligned import Aligned, Answer
from .runs import Run


@dataclass(frozen=True)
class Suspect:
    """A document that may answer a query although no label says so.

    Parameters
    ----------
    query, document: items of the benchmark.
    gold: its right documents.
    systems: how many systems put the document above all of them, and high enough.
    mean_reciprocal_rank: of the document, over all systems.
    ranks, gold_ranks: system → rank of the document, and of the best right one; the mean over the places of those that
        tie, None where it is not listed.
    """

    query: Item
    document: Item
    gold: list[Item]
    systems: int
    mean_reciprocal_rank: float
    ranks: dict[str, float | None]
    gold_ranks: dict[str, float | None]

    def describe(self) -> dict[str, Any]:
        """Plain values, with the texts that a judge needs, and the files of pictures."""
        return {
            "query": self.query.id,
            "document": self.document.id,
            "gold": [item.id for item in self.gold],
            "systems": self.systems,
            "mean_reciprocal_rank": self.mean_reciprocal_rank,
            "ranks": self.ranks,
            "gold_ranks": self.gold_ranks,
            "query_text": self.query.text,
            "document_text": self.document.text,
            "document_media": [str(media) for media in self.document.media],
            "gold_text": [item.text for item in self.gold],
            "gold_media": [[str(media) for media in item.media] for item in self.gold],
        }


def likely_false_negatives(
    runs: Sequence[Run], names: Sequence[str], benchmark: Benchmark, *, agree: int = 2, depth: int = 10
) -> list[Suspect]:
    """What people should look at first: sorted by how many systems agree, then by the mean reciprocal rank.

    Parameters
    ----------
    names: of the systems, each once.
    agree: systems that must place the document strictly above every right one, and among their first `depth`.

    A query's own source is passed over: it is wrong by construction. Raises `InputError` for runs that do not fit.
    """
    if len(set(names)) < len(names):
        raise InputError(f"each system must be given once: {', '.join(names)}")
    if not 1 <= agree <= len(runs):
        raise InputError(f"--agree must be between 1 and the number of systems, {len(runs)}, not {agree}")
    if depth < 1:
        raise InputError(f"--depth must be at least 1, not {depth}")
    benchmark.need_labels()
    aligned = Aligned.of(runs, names, benchmark)
    found = [one for query in range(len(aligned.queries)) for one in _suspects(aligned, benchmark, query, agree, depth)]
    return sorted(found, key=lambda one: (-one.systems, -one.mean_reciprocal_rank, one.query.id, one.document.id))


def _suspects(aligned: Aligned, benchmark: Benchmark, query: int, agree: int, depth: int) -> Iterator[Suspect]:
    answers, right = aligned.answers(query), benchmark.positives[query]
    known = right if benchmark.source is None else np.append(right, benchmark.source[query])
    above = [_above(answer, right, depth) for answer in answers]
    documents, systems = np.unique(np.concatenate(above), return_counts=True)
    kept = (systems >= agree) & ~np.isin(documents, known)
    gold_ranks = dict(zip(aligned.names, [_best_rank(answer, right) for answer in answers], strict=True))
    for document, count in zip(documents[kept].tolist(), systems[kept].tolist(), strict=True):
        ranks = [_rank(answer, document) for answer in answers]
        yield Suspect(
            benchmark.queries[query],
            benchmark.documents[document],
            [benchmark.documents[i] for i in right.tolist()],
            count,
            sum(sorted(1 / rank for rank in ranks if rank is not None)) / len(ranks),
            dict(zip(aligned.names, ranks, strict=True)),
            gold_ranks,
        )


def _above(answer: Answer, right: NDArray[np.int32], depth: int) -> NDArray[np.int64]:
    """The documents of rank `depth` or better that score higher than every right one that is listed."""
    if len(answer.scores) > depth:
        edge = np.partition(answer.scores, -depth)[-depth]
        answer = Answer(*(part[answer.scores >= edge] for part in answer))
    best = answer.scores[np.isin(answer.documents, right)].max(initial=-np.inf)
    scores, sizes = np.unique(answer.scores, return_counts=True)
    ranks = len(answer.scores) - sizes.cumsum() + (sizes + 1) / 2  # those that tie stand in the middle of their places
    lowest = scores[(scores > best) & (ranks <= depth)].min(initial=np.inf)
    return answer.documents[answer.scores >= lowest]


def _place(answer: Answer, entry: int) -> float:
    """The rank of an entry, in the middle of those it ties with."""
    score = answer.scores[entry]
    return float((answer.scores > score).sum() + ((answer.scores == score).sum() + 1) / 2)


def _rank(answer: Answer, document: int) -> float | None:
    entry = int(np.searchsorted(answer.documents, document))
    found = entry < len(answer.documents) and answer.documents[entry] == document
    return _place(answer, entry) if found else None


def _best_rank(answer: Answer, documents: NDArray[np.int32]) -> float | None:
    ranks = [rank for document in documents.tolist() if (rank := _rank(answer, document)) is not None]
    return min(ranks, default=None)


def review_csv(suspects: Sequence[Suspect]) -> str:
    """The list for a spreadsheet: lists and ranks as JSON in their cells, an empty column `verdict` for the judge."""
    rows = [{name: _cell(value) for name, value in one.describe().items()} for one in suspects]
    text = io.StringIO()
    writer = csv.DictWriter(text, [*(rows[0] if rows else ["query", "document"]), "verdict"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | float) else json.dumps(value, ensure_ascii=False)
