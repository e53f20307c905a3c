"""Which documents stand for selection for which query, cut into tiles of documents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...benchmarks.ragged import Ragged
from ...errors import InputError
from .vectors import Where

SPARSE = 48  # a product of a whole tile costs about as much as this part of it computed pair by pair
CHUNK = 1 << 18  # scores looked at at a time: what a core's cache holds


class Tile(NamedTuple):
    """Some documents, and which of them are candidates of which query of a block.

    `where`: how to read the documents; `documents` int `(t,)`: their positions, ascending.
    `listed` int32 or int64, ascending: candidates as row * t + column; None where all are.
    `entries`, where asked for: of each of `listed` its place in the lists of the block, one list after the other; where
    all are candidates, of each document its place in each list, `(t,)`.
    """

    where: Where
    documents: NDArray[np.int64]
    listed: NDArray[np.integer] | None
    entries: NDArray[np.integer] | None = None

    def sparse(self, rows: int) -> bool:
        """Whether so few of rows * t pairs are candidates that each should be computed by itself."""
        return self.listed is not None and SPARSE * len(self.listed) < rows * len(self.documents)

    def chunks(self, rows: int, least: int = 1) -> Iterator[tuple[slice, slice | None]]:
        """Rows few enough for the cache, were the tile at least `least` wide, and what of `listed` is theirs."""
        width = len(self.documents)
        step = max(1, CHUNK // max(width, least))
        for start in range(0, rows, step):
            part = slice(start, min(start + step, rows))
            if self.listed is None:
                yield part, None
            else:
                yield part, slice(*np.searchsorted(self.listed, [part.start * width, part.stop * width]).tolist())

    def within(self, part: slice, some: slice | None) -> NDArray[np.integer] | None:
        """The candidates of such rows as row * t + column, counted from the first of them; None where all are."""
        if self.listed is None or some is None:
            return None
        listed: NDArray[np.integer] = self.listed[some] - part.start * len(self.documents)
        return listed


class Candidates:
    """The candidates of each query: all documents, one shared list, or one list a query.

    With `entries` tiles tell where their candidates stand in the lists. Raises `InputError` for a gallery of the wrong
    length, without entries, with positions out of range or twice the same one.
    """

    def __init__(
        self,
        gallery: Ragged | None,
        queries: int,
        documents: int,
        query_ids: Sequence[str] | None = None,
        *,
        entries: bool = False,
    ) -> None:
        self._documents = documents
        self._shared: NDArray[np.int64] | None = None
        self._lists: Ragged | None = None
        self._ids, self._entries = query_ids, entries
        self._places = np.arange(documents)
        self.sizes = np.full(queries, documents, np.int64)
        if gallery is None:
            return
        if len(gallery) not in (1, queries):
            raise InputError(f"{len(gallery)} galleries for {queries} queries: give one, or one a query")
        check_positions(gallery, documents, "gallery")
        self._refuse(gallery.sizes == 0, "no candidate in the gallery", shared=len(gallery) == 1)
        if len(gallery) == 1:
            unique, self._places = np.unique(gallery.positions, return_index=True)
            self._shared = unique.astype(np.int64)
            self._refuse(gallery.sizes != len(self._shared), "a document twice in the gallery", shared=True)
            self.sizes = np.full(queries, len(self._shared), np.int64)
        else:
            self._lists, self.sizes = gallery, gallery.sizes

    @property
    def row_bytes(self) -> int:
        """What a query's own list costs while it is cut into tiles; 0 without one."""
        return 0 if self._lists is None else (24 if self._entries else 12) * int(self.sizes.max(initial=0))

    def tiles(self, block: slice, width: int, probes: Ragged | None = None) -> Iterator[Tile]:
        """Tiles of up to `width` documents, a power of two, for the queries of `block`, in ascending order.

        Raises `InputError` where one of the queries' `probes` is not among its candidates.
        """
        if self._lists is None:
            if self._shared is not None and probes is not None:
                inside = np.isin(_within(probes, block), self._shared)
                self._refuse_entries(inside, probes, block)
            yield from self._common_tiles(width)
        else:
            yield from self._own_tiles(self._lists, block, width, probes)

    def _common_tiles(self, width: int) -> Iterator[Tile]:
        total = self._documents if self._shared is None else len(self._shared)
        for start in range(0, total, width):
            part = slice(start, min(start + width, total))
            if self._shared is None:
                yield Tile(part, np.arange(part.start, part.stop), None, self._places[part])
            else:
                yield Tile(self._shared[part], self._shared[part], None, self._places[part])

    def _own_tiles(self, lists: Ragged, block: slice, width: int, probes: Ragged | None) -> Iterator[Tile]:
        rows = block.stop - block.start
        keys = _keys(lists, block, width, self._documents)
        entries = None
        if self._entries:
            bits = len(keys).bit_length()
            keys = keys.astype(np.int64) << bits
            keys |= np.arange(len(keys), dtype=np.int32)
            keys.sort()
            entries = keys & ((1 << bits) - 1)
            keys >>= bits
        else:
            keys.sort()  # by tile, then row, then column: each tile's candidates in one piece
        if (keys[1:] == keys[:-1]).any():
            self._refuse_twice(lists)
        if probes is not None:
            wanted = _keys(probes, block, width, self._documents)
            found = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
            self._refuse_entries(keys[found] == wanted, probes, block)
        first = np.arange(0, self._documents, width)
        edges = np.searchsorted(keys, np.append(first // width, len(first)) * (rows * width))
        for number, start in enumerate(first.tolist()):
            part = slice(start, min(start + width, self._documents))
            some = slice(edges[number], edges[number + 1])
            listed = keys[some] - number * (rows * width)
            if part.stop - part.start < width:
                listed = listed // width * (part.stop - part.start) + listed % width
            if len(listed):
                yield Tile(part, np.arange(part.start, part.stop), listed, None if entries is None else entries[some])

    def _name(self, query: int) -> str:
        return self._ids[query] if self._ids is not None else str(query)

    def _refuse(self, bad: NDArray[np.bool_], what: str, *, shared: bool = False) -> None:
        places = np.flatnonzero(bad)
        if len(places):
            names = ", ".join(self._name(i) for i in places[:10].tolist())
            who = "all queries" if shared else f"{len(places):,} queries: {names}"
            raise InputError(f"{what} of {who}")

    def _refuse_twice(self, lists: Ragged) -> None:
        twice = np.array([len(np.unique(one)) < len(one) for one in lists], bool)
        self._refuse(twice, "a document twice in the gallery")

    def _refuse_entries(self, inside: NDArray[np.bool_], probes: Ragged, block: slice) -> None:
        """Name the probes outside the gallery, of this block and of all that follow."""
        if inside.all():
            return
        shared = None if self._shared is None else set(self._shared.tolist())
        outside = []
        for query in range(block.start, len(probes)):
            own = shared if shared is not None else set(self._lists[query].tolist()) if self._lists else set()
            outside += [(query, document) for document in probes[query].tolist() if document not in own]
        names = ", ".join(f"document {document} of query {self._name(query)}" for query, document in outside[:10])
        raise InputError(f"{len(outside):,} positives or sources outside the gallery: {names}")


def check_positions(lists: Ragged, documents: int, what: str) -> None:
    """Raise `InputError` where a list names a document that does not exist."""
    bad = np.flatnonzero((lists.positions < 0) | (lists.positions >= documents))
    if len(bad):
        names = ", ".join(str(position) for position in lists.positions[bad[:10]].tolist())
        raise InputError(f"{len(bad):,} positions of the {what} beyond the {documents:,} documents: {names}")


def _within(lists: Ragged, block: slice) -> NDArray[np.int32]:
    return lists.positions[lists.offsets[block.start] : lists.offsets[block.stop]]


def _keys(lists: Ragged, block: slice, width: int, documents: int) -> NDArray[np.integer]:
    """(tile, row in the block, column in the tile) of every entry as one number."""
    positions = _within(lists, block)
    rows, bits = block.stop - block.start, width.bit_length() - 1
    sizes = np.diff(lists.offsets[block.start : block.stop + 1])
    kind = np.int32 if rows * (documents + width) < 2**31 else np.int64
    keys: NDArray[np.integer] = (positions >> bits).astype(kind)
    keys *= rows * width
    keys += np.repeat(np.arange(rows, dtype=kind) * width, sizes)
    keys += positions & (width - 1)
    return keys
