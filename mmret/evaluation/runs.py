"""Runs: which score a system gave which document for which query."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..benchmarks import Benchmark
from .protocols import Protocol
from .topk import gallery_scores


def run_of(
    benchmark: Benchmark,
    protocol: Protocol,
    queries: NDArray[np.float32],
    documents: NDArray[np.float32],
) -> pd.DataFrame:
    """The scores of all candidates: columns `query`, `document` (categories) and `score` (float32).

    A query's candidates stand in the order of the benchmark's documents, its source among them where the protocol
    keeps it.
    """
    gallery = protocol.candidates(benchmark)
    scores = np.concatenate([block for _, block in gallery_scores(queries, documents, gallery)])
    n, everything = len(benchmark.queries), np.arange(len(benchmark.documents))
    if gallery is None or len(gallery) == 1:
        positions = np.tile(everything if gallery is None else gallery.positions, n)
        rows = np.repeat(np.arange(n), len(positions) // n)
    else:
        positions, rows = gallery.positions, gallery.rows
    if protocol.without_source and benchmark.source is not None:
        kept = benchmark.source[rows] != positions
        positions, rows, scores = positions[kept], rows[kept], scores[kept]
    return pd.DataFrame(
        {
            "query": pd.Categorical.from_codes(rows, pd.Index([item.id for item in benchmark.queries])),
            "document": pd.Categorical.from_codes(
                positions.astype(np.int32), pd.Index([item.id for item in benchmark.documents])
            ),
            "score": scores,
        }
    )
