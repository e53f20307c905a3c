"""Which scorer goes with which vectors."""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import InputError
from ...vectors import Rows, VectorSets
from .maxsim import MaxSim
from .scorers import Dot, Scorer


def scorer_of(
    queries: Rows | VectorSets,
    documents: Rows | VectorSets,
    *,
    device: str = "cpu",
    wide: bool = False,
    query_ids: Sequence[str] | None = None,
    document_ids: Sequence[str] | None = None,
) -> Scorer:
    """Inner products for matrices (`wide`: see `Dot`), MaxSim for sets of vectors."""
    if isinstance(queries, VectorSets) and isinstance(documents, VectorSets):
        return MaxSim(queries, documents, device=device, query_ids=query_ids, document_ids=document_ids)
    if isinstance(queries, VectorSets) or isinstance(documents, VectorSets):
        raise InputError("one side has a vector an item and the other a set of vectors an item")
    return Dot(queries, documents, device=device, wide=wide, query_ids=query_ids, document_ids=document_ids)
