"""What a model hands over is looked at before it is kept or counted; what is wrong is named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..encoders import Encoder, PairScorer, Vectors, VectorSets
from ..errors import RunError, first_ten
from ..items import Item, Side
from ..vectors import matrix_of


def check_vectors(encoder: Encoder, vectors: Vectors, items: Sequence[Item], side: Side, width: int | None) -> None:
    """Raise `RunError` unless these are finite float32 vectors of the items, with `width` dimensions if known."""
    name, sets = encoder.spec.name, encoder.spec.scoring == "maxsim"
    wanted = "sets of float32 vectors" if sets else f"float32 ({len(items)}, d)"
    if not (_are_sets(vectors, len(items)) if sets else _is_matrix(vectors) and len(vectors) == len(items)):
        raise RunError(
            f"model {name!r} must return {wanted} for {len(items)} {side} items, not {_described(vectors)}: "
            f"{first_ten([item.id for item in items])}"
        )
    empty = [item.id for item, own in zip(items, vectors, strict=True) if not len(own)]
    if empty:
        raise RunError(
            f"model {name!r} returned no vector for {side} {first_ten(empty)}; nothing of this batch is kept"
        )
    bad = [item.id for item, own in zip(items, vectors, strict=True) if not np.isfinite(own).all()]
    if bad:
        raise RunError(
            f"model {name!r} returned NaN or infinity for {side} {first_ten(bad)}; nothing of this batch is kept"
        )
    found = matrix_of(vectors).shape[1]
    if width not in (None, found):
        raise RunError(
            f"model {name!r} returned vectors of {found} dimensions for {side} "
            f"{first_ten([item.id for item in items])}, and of {width} for others before; nothing of this batch is kept"
        )


def _is_matrix(vectors: object) -> bool:
    if not isinstance(vectors, np.ndarray):
        return False
    return vectors.dtype == np.float32 and vectors.ndim == 2 and vectors.shape[1] > 0


def _are_sets(vectors: object, items: int) -> bool:
    """Whether these are sets for so many items whose offsets cut all of the matrix, in order."""
    if not (isinstance(vectors, VectorSets) and _is_matrix(vectors.vectors)):
        return False
    offsets = vectors.offsets
    ends = offsets[0] == 0 and offsets[-1] == vectors.vectors.shape[0] if len(offsets) else False
    return len(vectors) == items and bool(ends) and bool((vectors.sizes >= 0).all())


def check_scores(model: PairScorer, scores: Any, queries: Sequence[Item], documents: Sequence[Item]) -> None:
    """Raise `RunError` unless these are scores of all pairs `(queries, documents)`, finite also as float32."""
    name, shape = model.spec.name, (len(queries), len(documents))
    floats = isinstance(scores, np.ndarray) and scores.dtype in (np.float32, np.float64)
    if not floats or scores.shape != shape:
        raise RunError(
            f"model {name!r} must return float32 or float64 {shape} for {shape[0]} queries and {shape[1]} documents, "
            f"not {_described(scores)}: query {first_ten([item.id for item in queries])}"
        )
    places = np.argwhere(~_finite(scores))
    if len(places):
        pairs = [f"query {queries[q].id} document {documents[d].id}" for q, d in places.tolist()]
        raise RunError(f"model {name!r} returned NaN, or a score that is infinite in float32, for {first_ten(pairs)}")


def _finite(scores: NDArray[np.floating]) -> NDArray[np.bool_]:
    with np.errstate(over="ignore"):
        return np.isfinite(scores.astype(np.float32))


def _described(value: object) -> str:
    if isinstance(value, VectorSets):
        return f"{len(value)} sets out of {_described(value.vectors)}"
    return f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__
