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
from ..items import Item, Modality, text_digest
from .checks import in_gallery, wrong_queries
from .exclusions import Exclusions
from .ragged import Ragged


@dataclass(frozen=True, repr=False)
class Benchmark:
    """A retrieval benchmark, validated when it is made; `make_benchmark` makes one of lists and dictionaries.

    Queries and documents stand in the order of their ids, so that nothing can depend on the order of a file.

    Parameters
    ----------
    name, version: identity; a change of any label raises the version.
    queries, documents: items with unique ids.
    positives: for each query the positions of the documents that answer it, at least one; none where labels are hidden.
    gains: float64 `(entries of positives,)`, relevance grades above 0.
    provenance: str `(entries of positives,)`, who says that it is right: "human", "model:NAME", "inherited", "scan", or
        "" where it is not said; None when it is said of none.
    galleries: the candidates: None for all documents, one list for a shared gallery, or one list a query; kept in
        ascending order.
    source: int32 `(queries,)`, the document each query was made from, -1 for none; None when no query has one.
    slices: label → int64 positions of the queries that carry it.
    needs: the modalities without which a document, or a query's source, is no use (see `mmret.media.Report.fault`).
    sound_slices: the slices whose queries cannot be answered without hearing.
    excluded: what an exclusion list names: documents still to be left out, and queries that are left out already.
    view: which forms of its documents the items hold, where there are several ("title=text,content=image").
    contents: digest over the documents in all their forms, the same in every view; "" where there is one form only.
    hidden: whether it is a copy without labels: it can be embedded and ranked, and only who keeps the labels can score.
    card: text of the data card.
    about: further facts to show: title, licence, description.

    >>> import mmret
    >>> benchmark = mmret.load_benchmark("omnicvr-mini")
    >>> benchmark
    <Benchmark omnicvr-mini 1.0: 150 queries, 144 documents>
    >>> benchmark.describe()["galleries"]
    'one a query, of 60 to 60 candidates'
    """

    name: str
    version: str
    queries: Sequence[Item]
    documents: Sequence[Item]
    positives: Ragged
    gains: NDArray[np.float64]
    provenance: NDArray[np.str_] | None = None
    galleries: Ragged | None = None
    source: NDArray[np.int32] | None = None
    slices: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)
    needs: frozenset[Modality] = frozenset()
    sound_slices: frozenset[str] = frozenset()
    excluded: Exclusions = field(default_factory=Exclusions)
    view: str = ""
    contents: str = ""
    hidden: bool = False
    card: str = ""
    about: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_ids("query", self.queries)
        _check_ids("document", self.documents)
        n = len(self.queries)
        entries = len(self.positives.positions)
        sizes = {len(one) for one in (self.gains, self.provenance) if one is not None}
        if len(self.positives) != n or sizes != {entries}:
            raise InputError(f"{self.name}: {n} queries but labels for {len(self.positives)}")
        if self.source is not None and len(self.source) != n:
            raise InputError(f"{self.name}: {n} queries but {len(self.source)} sources; give -1 for none")
        if self.galleries is not None and len(self.galleries) not in (1, n):
            raise InputError(f"{self.name}: {n} queries but {len(self.galleries)} galleries; give 1, or 1 a query")
        self._refuse_strange_positions()
        if self.galleries is not None:
            object.__setattr__(self, "galleries", self.galleries.ordered())
        for what, wrong in wrong_queries(self.positives, self.gains, self.galleries, self.source, self.hidden):
            if wrong.any():
                ids = [self.queries[i].id for i in np.flatnonzero(wrong).tolist()]
                raise InputError(f"{self.name}: queries {what}: {first_ten(ids)}")

    def _refuse_strange_positions(self) -> None:
        """Raise `InputError` for positions at which there is no document, or no query."""
        queries, documents = len(self.queries), len(self.documents)
        galleries = None if self.galleries is None else self.galleries.positions
        lists: dict[str, tuple[NDArray[np.integer] | None, int, int]] = {
            "positives": (self.positives.positions, 0, documents),
            "galleries": (galleries, 0, documents),
            "source": (self.source, -1, documents),
            **{f"slice {label!r}": (members, 0, queries) for label, members in self.slices.items()},
        }
        for what, (positions, least, end) in lists.items():
            if positions is not None and len(positions) and not least <= positions.min() <= positions.max() < end:
                raise InputError(f"{self.name}: {what}: positions must be from {least} to {end - 1}")

    def __repr__(self) -> str:
        return (
            f"<Benchmark {self.name} {self.version}: {len(self.queries):,} queries, {len(self.documents):,} documents>"
        )

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
        known = np.flatnonzero(self.source >= 0)
        found = np.zeros(len(self.queries), bool)
        found[known] = in_gallery(self.galleries, known, self.source[known])
        return found

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) over the labels: ids, texts, right documents, galleries and sources.

        Slices are left out, because they decide how scores are read and not what they are, and so are the bytes of
        media, which have `media_digest`: the labels of 27 GB of clips are known without reading them. Nor does the view
        count, so that results of different views can be compared.
        """
        return self._digest_over([self.positives, self.galleries], self.gains)

    @cached_property
    def ground_digest(self) -> str:
        """SHA-256 (hex) over what is asked and among what: `digest` without what is right.

        It is the same for a benchmark and for its copy with hidden labels.
        """
        return self._digest_over([self.galleries])

    def _digest_over(self, lists: Sequence[Ragged | None], gains: NDArray[np.float64] | None = None) -> str:
        whole = hashlib.sha256(self.contents.encode())
        for item in self.queries:
            whole.update(_digest_line(item))
        for item in self.documents:
            whole.update(f"{item.id}\n".encode("utf-8", "surrogatepass") if self.contents else _digest_line(item))
        for one in lists:
            if one is not None:
                whole.update(one.offsets.astype("<i8").data)
                whole.update(one.positions.astype("<i4", copy=False).data)
        if gains is not None:
            whole.update(gains.astype("<f8").data)
        if self.source is not None:
            whole.update(self.source.astype("<i4").data)
        return whole.hexdigest()

    @cached_property
    def media_digest(self) -> str:
        """SHA-256 (hex) over what queries and documents hold, bytes of their media included."""
        return text_digest("\n".join(item.digest for items in (self.queries, self.documents) for item in items))

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
            | ({"view": self.view} if self.view else {})
            | {
                "digest": self.digest,
                "queries": len(self.queries),
                "documents": len(self.documents),
                "right documents": "hidden" if self.hidden else len(self.positives.positions),
                "galleries": f"{galleries}, of {sizes.min()} to {sizes.max()} candidates",
                "source in gallery": f"{int(self.source_in_gallery.sum())} of {has_source} queries with a source",
                "slices": {label: len(members) for label, members in self.slices.items()},
            }
        )

    def need_labels(self) -> None:
        """Raise `InputError` where labels are hidden."""
        if self.hidden:
            raise InputError(
                f"{self.name}: its labels are hidden, so nothing can be scored here; evaluate, pack the run "
                "(mmret submit pack DIR), and upload it to the leaderboard that keeps them"
            )

    def usable(self) -> Benchmark:
        """The benchmark without the documents and queries that its exclusion list names."""
        queries, documents = self.excluded.of_queries, self.excluded.of_documents
        asked = np.flatnonzero([item.id not in queries for item in self.queries])
        good = np.flatnonzero([item.id not in documents for item in self.documents])
        whole = len(asked) == len(self.queries) and len(good) == len(self.documents)
        return self if whole else self.subset(asked, good)

    def subset(self, queries: NDArray[np.int64], documents: NDArray[np.int64]) -> Benchmark:
        """The benchmark of some queries and some documents, given as sorted positions.

        A document that is left out is nobody's candidate, answer or source any more. Raises `InputError` for a query
        that stays and would lose its source or, unless labels are hidden, all its right documents.
        """
        place = np.full(len(self.documents), -1, np.int32)
        place[documents] = np.arange(len(documents), dtype=np.int32)
        galleries = self.galleries
        if galleries is not None:
            galleries = galleries.moved(np.zeros(1, np.int64) if len(galleries) == 1 else queries, place)
        labels = self.positives.entries(queries)
        labels = labels[place[self.positives.positions[labels]] >= 0]
        source = None
        if self.source is not None:
            source = np.where(self.source < 0, -1, place[self.source])[queries]
            lost = [self.queries[i].id for i in queries[(source < 0) & (self.source[queries] >= 0)]]
            if lost:
                raise InputError(f"{self.name}: queries whose source is left out: {first_ten(lost)}; leave them out")
        asked = np.full(len(self.queries), -1)
        asked[queries] = np.arange(len(queries))
        slices = {label: asked[members][asked[members] >= 0] for label, members in self.slices.items()}
        return replace(
            self,
            queries=[self.queries[i] for i in queries],
            documents=[self.documents[i] for i in documents],
            positives=self.positives.moved(queries, place),
            gains=self.gains[labels],
            provenance=None if self.provenance is None else self.provenance[labels],
            galleries=galleries,
            source=source,
            slices={label: members for label, members in slices.items() if len(members)},
        )


def _digest_line(item: Item) -> bytes:
    reads = ",".join(sorted(item.modalities))
    return f"{item.id}\0{text_digest(item.text or '')}\0{reads}\n".encode("utf-8", "surrogatepass")


def _check_ids(kind: str, items: Sequence[Item]) -> None:
    ids = [item.id for item in items]
    if not ids:
        raise InputError(f"there is no {kind}")
    twice = [a for a, b in pairwise(ids) if a == b]
    if twice:
        raise InputError(f"{kind} ids given twice: {first_ten(twice)}")
    if any(a > b for a, b in pairwise(ids)):
        raise InputError(f"{kind} items are not in the order of their ids")
