"""The entries of a submission against what is asked, a batch at a time: nothing grows with the file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import compute

from ...evaluation.scoring import DEPTH
from .form import COLUMNS, id_digests, records
from .ground import Ground
from .report import SHOWN, Fault, Severity, visible

BATCH = 1 << 18  # entries looked at at a time
Bools = NDArray[np.bool_]
Keys = NDArray[np.int64]


class Rows:
    """Entries as they come, and what is wrong with them.

    An entry whose query and document are known has a key, query * documents + document, by their places in the ground;
    keys must ascend, so that what is listed twice stands together and one pass finds it.

    Attributes
    ----------
    entries: number of them so far.
    listed: of each query asked, how many of its entries have a key, int64 `(queries,)`.
    """

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.entries = 0
        self.listed = np.zeros(len(ground.queries), np.int64)
        self._ids = {"query": pa.array(ground.queries), "document": pa.array(ground.documents)}
        self._digests = {name: id_digests(ids.to_pylist()) for name, ids in self._ids.items()}
        self._whole = hashlib.sha256()
        self._last = -1
        self._low = np.full(len(ground.queries), np.inf, np.float32)
        self._high = np.full(len(ground.queries), -np.inf, np.float32)
        self._found = {code: _Tally() for code in _MESSAGES}

    def add(self, batch: Any) -> None:
        """An Arrow batch with the three columns. Raises `ArrowInvalid` for ids that no dictionary or no text holds."""
        batch.validate(full=True)
        self.entries += len(batch)
        empty = np.zeros(len(batch), bool)
        for name in COLUMNS:
            empty |= batch[name].is_null().to_numpy(zero_copy_only=False)
        if empty.any():
            self._tally("null-cells", [f"entry {self.entries - len(batch) + i + 1:,}" for i in _first(empty)], empty)
        query, document = (self._places(name, batch[name], empty) for name in COLUMNS[:2])
        scores = batch["score"].to_numpy(zero_copy_only=False)
        known = (query >= 0) & (document >= 0)
        keys = query * len(self.ground.documents) + document
        if not known.all():
            keys, query, document, scores = keys[known], query[known], document[known], scores[known]
        self._check_scores(query, document, scores)
        self._check_keys(keys)
        self._whole.update(records(self._digests["query"][query], self._digests["document"][document], scores))

    @property
    def digest(self) -> str:
        """`run_digest` of what was read; "" where an entry is not known or not in its place."""
        broken = ("null-cells", "unknown-queries", "unknown-documents", "duplicates", "order")
        return "" if any(self._found[code].count for code in broken) else self._whole.hexdigest()

    def faults(self) -> Iterator[Fault]:
        """What is wrong with all entries together."""
        for code, tally in self._found.items():
            if tally.count:
                yield Fault(code, "error", _MESSAGES[code], tally.where, tally.count)
        there = self.listed > 0
        if not there.all():
            yield self._of_queries("missing-queries", "error", "queries are missing; all must be answered", ~there)
        few = there & (self.listed < np.minimum(self.ground.gallery_sizes, DEPTH))
        if few.any():
            message = f"queries list fewer than all candidates and than {DEPTH:,}; those not listed count as last"
            yield self._of_queries("few-candidates", "warning", message, few)
        constant = (self._low == self._high) & (self.listed > 1)
        if constant.any():
            message = "queries score all their candidates alike; they count as a random order would"
            yield self._of_queries("constant-scores", "warning", message, constant)

    def _of_queries(self, code: str, severity: Severity, message: str, which: Bools) -> Fault:
        return Fault(code, severity, message, [self.ground.queries[i] for i in _first(which)], int(which.sum()))

    def _tally(self, code: str, where: Sequence[str], which: Bools) -> None:
        self._found[code].add(where, int(which.sum()))

    def _places(self, name: str, column: Any, empty: Bools) -> NDArray[np.int64]:
        """Place of each entry's id in the ground, int64 `(n,)`; -1 for unknown ones, which are tallied."""
        codes = compute.fill_null(column.indices, 0).to_numpy()
        if not len(column.dictionary):  # all cells are empty
            return np.full(len(codes), -1)
        ids = column.dictionary
        place = compute.fill_null(compute.index_in(ids, value_set=self._ids[name]), -1).to_numpy().astype(np.int64)
        found = place[codes]
        found[empty] = -1
        unknown = (found < 0) & ~empty
        if unknown.any():
            code = "unknown-queries" if name == "query" else "unknown-documents"
            self._tally(code, [visible(ids[int(codes[i])].as_py()) for i in np.flatnonzero(unknown)[:SHOWN]], unknown)
        return found

    def _check_scores(self, query: NDArray[np.int64], document: NDArray[np.int64], scores: NDArray[np.float32]) -> None:
        self.listed += np.bincount(query, minlength=len(self.listed))
        wrong = ~np.isfinite(scores)
        if wrong.any():
            where = [f"{self._pair(query[i], document[i])} {scores[i]}" for i in _first(wrong)]
            self._tally("not-finite", where, wrong)
            query, scores = query[~wrong], scores[~wrong]
        np.minimum.at(self._low, query, scores)
        np.maximum.at(self._high, query, scores)

    def _check_keys(self, keys: Keys) -> None:
        """Order, repeats, and whether each document is a candidate."""
        if not len(keys):
            return
        steps = np.diff(keys, prepend=self._last)
        back = steps < 0
        self._last = int(keys[-1])
        if back.any():
            self._tally("order", self._pairs(keys[back]), back)
            keys = np.sort(keys)  # within the batch repeats are found all the same
            steps = np.diff(keys, prepend=-1)
        again = steps == 0
        if again.any():
            self._tally("duplicates", self._pairs(keys[again]), again)
        outside = ~self._are_candidates(keys)
        if outside.any():
            self._tally("outside-gallery", self._pairs(keys[outside]), outside)

    def _are_candidates(self, keys: Keys) -> Bools:
        """Whether the entries with these ascending keys list a candidate of their query, bool `(n,)`."""
        galleries, n = self.ground.galleries, len(self.ground.documents)
        if galleries is None:
            return np.ones(len(keys), bool)
        if len(galleries) == 1:
            inside = np.zeros(n, bool)
            inside[galleries.positions] = True
            return inside[keys % n]
        rows = np.arange(keys[0] // n, keys[-1] // n + 1)
        start, end = galleries.offsets[rows[0]], galleries.offsets[rows[-1] + 1]
        candidates = np.repeat(rows * n, galleries.sizes[rows]) + galleries.positions[start:end]
        places = np.searchsorted(candidates, keys)
        places[places == len(candidates)] = 0
        return candidates[places] == keys if len(candidates) else np.zeros(len(keys), bool)

    def _pairs(self, keys: Keys) -> list[str]:
        return [self._pair(*divmod(key, len(self.ground.documents))) for key in keys[:SHOWN].tolist()]

    def _pair(self, query: int, document: int) -> str:
        return f"{visible(self.ground.queries[query])} {visible(self.ground.documents[document])}"


class _Tally:
    """How often one fault was met, and where first."""

    def __init__(self) -> None:
        self.where: list[str] = []
        self.count = 0

    def add(self, where: Sequence[str], count: int) -> None:
        new = [one for one in dict.fromkeys(where) if one not in self.where]
        self.where += new[: SHOWN - len(self.where)]
        self.count += count


_MESSAGES = {
    "null-cells": "entries have empty cells",
    "unknown-queries": "entries are of queries that are not asked; leave them out",
    "unknown-documents": "entries list documents that the benchmark does not have; leave them out",
    "outside-gallery": "entries list documents that are no candidates of the query; leave them out (query document)",
    "duplicates": "entries list a document again for the same query (query document)",
    "order": "entries are not in ascending order of query and document; pack the run again (query document)",
    "not-finite": "scores are not finite (query document score)",
}


def _first(which: Bools) -> list[int]:
    return np.flatnonzero(which)[:SHOWN].tolist()
