"""What is asked: queries, documents, which documents are right, and which compete."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, first_ten
from ..items import Item, Modality
from .ragged import Ragged


@dataclass(frozen=True)
class Benchmark:
    """A retrieval benchmark, validated when it is made.

    Queries and documents stand in the order of their ids, so that nothing can depend on the order of a file.

    Parameters
    ----------
    name, version: identity; a change of any label raises the version.
    queries, documents: items with unique ids.
    positives: for each query the positions of the documents that answer it, at least one.
    gains: float64 `(entries of positives,)`, relevance grades above 0.
    galleries: the candidates: None for all documents, one list for a shared gallery, or one list a query.
    source: int32 `(queries,)`, the document each query was made from, -1 for none; None when no query has one.
    slices: label → int64 positions of the queries that carry it.
    needs: the modalities without which a document, or a query's source, is no use (see `mmret.media.Report.fault`).
    card: text of the data card.
    about: further facts to show: title, licence, description.
    """

    name: str
    version: str
    queries: Sequence[Item]
    documents: Sequence[Item]
    positives: Ragged
    gains: NDArray[np.float64]
    galleries: Ragged | None = None
    source: NDArray[np.int32] | None = None
    slices: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)
    needs: frozenset[Modality] = frozenset()
    card: str = ""
    about: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_ids("query", self.queries)
        _check_ids("document", self.documents)
        n = len(self.queries)
        if len(self.positives) != n or len(self.gains) != len(self.positives.positions):
            raise InputError(f"{self.name}: {n} queries but labels for {len(self.positives)}")
        if self.galleries is not None and len(self.galleries) not in (1, n):
            raise InputError(f"{self.name}: {n} queries but {len(self.galleries)} galleries; give one, or one a query")
        self._check("without a right document", self.positives.sizes == 0)
        self._check("with a right document graded 0 or less", _any_by_row(self.positives, self.gains <= 0))
        self._check("with the same right document twice", _repeats(self.positives))
        if self.source is not None:
            own = self.positives.positions == self.source[self.positives.rows]
            self._check("whose source is also a right document", _any_by_row(self.positives, own))
        if self.galleries is not None:
            self._check("with a document twice in the gallery", _spread(_repeats(self.galleries), n))
            outside = ~self._in_gallery(self.positives.rows, self.positives.positions)
            self._check("with a right document outside the gallery", _any_by_row(self.positives, outside))

    def _check(self, what: str, wrong: NDArray[np.bool_]) -> None:
        if wrong.any():
            ids = [self.queries[i].id for i in np.flatnonzero(wrong).tolist()]
            raise InputError(f"{self.name}: queries {what}: {first_ten(ids)}")

    def _in_gallery(self, rows: NDArray[np.int64], positions: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Whether document `positions[i]` is a candidate of query `rows[i]`; bool `(n,)`."""
        if self.galleries is None:
            return np.ones(len(rows), bool)
        width = len(self.documents)
        rows = np.zeros_like(rows) if len(self.galleries) == 1 else rows
        members = self.galleries.rows * width + self.galleries.positions
        return np.isin(rows * width + positions, members)

    @cached_property
    def gallery_sizes(self) -> NDArray[np.int64]:
        """Number of candidates of each query, int64 `(queries,)`."""
        n = len(self.queries)
        if self.galleries is None:
            return np.full(n, len(self.documents))
        return np.broadcast_to(self.galleries.sizes, n) if len(self.galleries) == 1 else self.galleries.sizes

    @cached_property
    def source_in_gallery(self) -> NDArray[np.bool_]:
        """Whether a query's own source is one of its candidates, bool `(queries,)`."""
        if self.source is None:
            return np.zeros(len(self.queries), bool)
        known = self.source >= 0
        return known & self._in_gallery(np.arange(len(self.queries)), np.where(known, self.source, 0).astype(np.int32))

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) over all that decides a score: ids, contents, labels, galleries, sources and slices."""
        whole = hashlib.sha256()
        for items in (self.queries, self.documents):
            for item in items:
                whole.update(f"{item.id}\0{item.digest}\n".encode())
        for lists in (self.positives, self.galleries):
            if lists is not None:
                whole.update(lists.offsets.tobytes() + lists.positions.tobytes())
        whole.update(self.gains.tobytes() + (b"" if self.source is None else self.source.tobytes()))
        for label, members in sorted(self.slices.items()):
            whole.update(label.encode() + members.tobytes())
        return whole.hexdigest()

    def describe(self) -> dict[str, Any]:
        """Plain facts for people: identity, sizes, galleries, slices."""
        sizes = self.gallery_sizes
        galleries = (
            "all documents" if self.galleries is None else "one shared" if len(self.galleries) == 1 else "one a query"
        )
        has_source = 0 if self.source is None else int((self.source >= 0).sum())
        facts = {key: self.about[key] for key in ("title", "description", "licence") if key in self.about}
        return (
            {"name": self.name, "version": self.version}
            | facts
            | {
                "digest": self.digest,
                "queries": len(self.queries),
                "documents": len(self.documents),
                "right documents": len(self.positives.positions),
                "galleries": f"{galleries}, of {sizes.min()} to {sizes.max()} candidates",
                "source in gallery": f"{int(self.source_in_gallery.sum())} of {has_source} queries with a source",
                "slices": {label: len(members) for label, members in self.slices.items()},
            }
        )

    def subset(self, queries: NDArray[np.int64], documents: NDArray[np.int64]) -> Benchmark:
        """The benchmark of some queries and some documents, given as sorted positions.

        A document that is left out is nobody's candidate, answer or source any more; every query that stays must keep
        its source and a right document.
        """
        place = np.full(len(self.documents), -1, np.int32)
        place[documents] = np.arange(len(documents), dtype=np.int32)
        positives, kept = _rows_of(self.positives, queries, place)
        galleries = self.galleries
        if galleries is not None:
            galleries, _ = _rows_of(galleries, np.zeros(1, np.int64) if len(galleries) == 1 else queries, place)
        asked = np.full(len(self.queries), -1)
        asked[queries] = np.arange(len(queries))
        slices = {label: asked[members][asked[members] >= 0] for label, members in self.slices.items()}
        return replace(
            self,
            queries=[self.queries[i] for i in queries],
            documents=[self.documents[i] for i in documents],
            positives=positives,
            gains=self.gains[kept],
            galleries=galleries,
            source=None if self.source is None else np.where(self.source < 0, -1, place[self.source])[queries],
            slices={label: members for label, members in slices.items() if len(members)},
        )


def _check_ids(kind: str, items: Sequence[Item]) -> None:
    ids = [item.id for item in items]
    if not ids:
        raise InputError(f"there is no {kind}")
    twice = [a for a, b in pairwise(ids) if a == b]
    if twice:
        raise InputError(f"{kind} ids given twice: {first_ten(twice)}")
    if any(a > b for a, b in pairwise(ids)):
        raise InputError(f"{kind} items are not in the order of their ids")


def _rows_of(lists: Ragged, rows: NDArray[np.int64], place: NDArray[np.int32]) -> tuple[Ragged, NDArray[np.int64]]:
    """The given lists, each position p replaced by `place[p]` or left out where that is -1, and the entries left."""
    entries = np.concatenate([np.arange(0), *(np.arange(*lists.offsets[row : row + 2]) for row in rows)])
    owner = np.repeat(np.arange(len(rows)), lists.sizes[rows])
    stays = place[lists.positions[entries]] >= 0
    offsets = np.zeros(len(rows) + 1, np.int64)
    np.cumsum(np.bincount(owner[stays], minlength=len(rows)), out=offsets[1:])
    return Ragged(offsets, place[lists.positions[entries[stays]]]), entries[stays]


def _any_by_row(lists: Ragged, flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.bincount(lists.rows, flags, len(lists)) > 0


def _repeats(lists: Ragged) -> NDArray[np.bool_]:
    """For each list whether a position stands in it twice."""
    order = np.lexsort((lists.positions, lists.rows))
    rows, positions = lists.rows[order], lists.positions[order]
    twice = np.zeros(len(rows), bool)
    twice[1:] = (rows[1:] == rows[:-1]) & (positions[1:] == positions[:-1])
    return np.bincount(rows[twice], minlength=len(lists)) > 0


def _spread(flags: NDArray[np.bool_], n: int) -> NDArray[np.bool_]:
    return np.broadcast_to(flags, n) if len(flags) == 1 else flags
