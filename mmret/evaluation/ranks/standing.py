"""What counting yields: for each positive of each query, its standing among the candidates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Counts:
    """For each positive of each query: how its score stands among the query's candidates.

    Parameters
    ----------
    query: int32 `(m,)`, row of the query, non-decreasing.
    gain: float64 `(m,)`, relevance grade, > 0.
    greater: int64 `(m,)`, candidates that score strictly higher; -1 = not retrieved (absent from a run).
    tied: int64 `(m,)`, candidates with exactly the same score, itself included (>= 1); 0 where not retrieved.
    candidates: int64 `(queries,)`, size of the candidate list.
    """

    query: NDArray[np.int32]
    gain: NDArray[np.float64]
    greater: NDArray[np.int64]
    tied: NDArray[np.int64]
    candidates: NDArray[np.int64]


def without(
    greater: NDArray[np.int64],
    tied: NDArray[np.int64],
    other_greater: NDArray[np.int64],
    other_tied: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Standing of documents once another candidate of the same query is taken away, from the counts alone.

    All arrays int64 `(m,)`: the documents' standing, and that of the document to remove (a query's own source, say).
    `other_greater` -1 (`other_tied` 0) = not among the candidates: nothing changes; neither does a `greater` of -1.
    The removed document must not be the document itself.

    Proof. Let s be the score of the removed document and t that of the other. If s > t, whatever beats s beats t, and
    so does the removed document itself, which does not beat s: other_greater < greater. If s = t, the two counts are
    equal. If s < t, the first case with the roles changed gives other_greater > greater. So comparing the counts
    compares the scores: `greater` falls by one in the first case, `tied` in the second.
    """
    there = (other_tied > 0) & (tied > 0)
    return greater - (there & (other_greater < greater)), tied - (there & (other_greater == greater))
