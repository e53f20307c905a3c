"""The oracle: vectors made from the labels, which must score 100 on any sound benchmark."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..benchmarks import Benchmark

DIMENSION = 512


def oracle_vectors(benchmark: Benchmark, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Vectors of queries and documents, float32 `(n, 512)` and `(N, 512)`, that put the right documents first.

    Documents are random unit vectors, nearly orthogonal to each other; a query is the sum of its right documents,
    weighted by their grades. Good for a handful of right documents a query.
    """
    documents = np.random.default_rng(seed).standard_normal((len(benchmark.documents), DIMENSION))
    documents /= np.linalg.norm(documents, axis=1, keepdims=True)
    queries = np.zeros((len(benchmark.queries), DIMENSION))
    positives = benchmark.positives
    np.add.at(queries, positives.rows, benchmark.gains[:, None] * documents[positives.positions])
    return queries.astype(np.float32), documents.astype(np.float32)
