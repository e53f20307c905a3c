"""What can be wrong with labels, in one place: asked by a benchmark when it is made, and by `verify` for the list."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .ragged import Ragged

Mask = NDArray[np.bool_]


def wrong_queries(
    positives: Ragged,
    gains: NDArray[np.float64],
    galleries: Ragged | None,
    source: NDArray[np.int32] | None,
    hidden: bool = False,
) -> Iterator[tuple[str, Mask]]:
    """Kinds of fault and the queries, bool `(queries,)`, that have them.

    Parameters
    ----------
    galleries: None, one list, or one list a query, each in ascending order.
    hidden: whether the labels are hidden, so that no query may have a right document.
    """
    n = len(positives)
    if hidden:
        yield "with a right document, though labels are hidden", positives.sizes > 0
    else:
        yield "without a right document", positives.sizes == 0
    yield "with a right document graded 0 or less", _any_by_row(positives, gains <= 0)
    yield "with a grade that is no number", _any_by_row(positives, ~np.isfinite(gains))
    yield "with the same right document twice", positives.ordered().repeats()
    if source is not None:
        own = positives.positions == source[positives.rows]
        yield "whose source is also a right document", _any_by_row(positives, own)
    if galleries is not None:
        yield "with a document twice in the gallery", np.broadcast_to(galleries.repeats(), n)
        outside = ~in_gallery(galleries, positives.rows, positives.positions)
        yield "with a right document outside the gallery", _any_by_row(positives, outside)


def in_gallery(galleries: Ragged | None, rows: NDArray[np.int64], positions: NDArray[np.int32]) -> Mask:
    """Whether document `positions[i]` is a candidate of query `rows[i]`; bool `(n,)`."""
    if galleries is None:
        return np.ones(len(rows), bool)
    return galleries.holds(np.zeros_like(rows) if len(galleries) == 1 else rows, positions)


def _any_by_row(lists: Ragged, flags: Mask) -> Mask:
    return np.bincount(lists.rows, flags, len(lists)) > 0
