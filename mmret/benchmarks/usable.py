"""Which documents can be used and which queries can be asked, once all files have been inspected."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..items import Item, Modality
from ..media import Preflight
from .base import Benchmark
from .exclusions import Exclusions


def media_faults(benchmark: Benchmark, preflight: Preflight) -> Exclusions:
    """The documents that cannot be used, and the queries that cannot be asked without them.

    What the benchmark's exclusion list names needs no report; every other file must have been inspected.
    """
    documents_out, queries_out = benchmark.excluded.of_documents, benchmark.excluded.of_queries
    listed = {one["id"]: one.get("file", "") for one in benchmark.excluded.documents}
    faults = [documents_out.get(item.id) or _fault(item, preflight, benchmark.needs) for item in benchmark.documents]
    documents = [
        # In another view than that of the list a document may have no file.
        {"id": item.id, "file": str(item.media[0]) if item.media else listed.get(item.id, ""), "reason": fault}
        for item, fault in zip(benchmark.documents, faults, strict=True)
        if fault is not None
    ]
    good = np.asarray([fault is None for fault in faults])
    reasons = [
        queries_out.get(item.id) or _query_fault(benchmark, i, good, preflight)
        for i, item in enumerate(benchmark.queries)
    ]
    queries = [
        {"id": item.id, "reason": reason}
        for item, reason in zip(benchmark.queries, reasons, strict=True)
        if reason is not None
    ]
    return Exclusions(documents, queries)


def _fault(item: Item, preflight: Preflight, needs: frozenset[Modality]) -> str | None:
    for media in item.media:
        report = preflight.report(media)
        uses: Sequence[Modality] = [m for m in ("image", "video", "audio") if getattr(item, m) == media]
        fault = report.fault(needs.intersection(uses)) if report is not None else "never inspected"
        if fault is not None:
            return fault
    return None


def _query_fault(benchmark: Benchmark, i: int, good: NDArray[np.bool_], preflight: Preflight) -> str | None:
    """Why a query cannot be asked any more; None when it can."""
    if benchmark.source is not None and benchmark.source[i] >= 0 and not good[benchmark.source[i]]:
        return f"its source {benchmark.documents[benchmark.source[i]].id} is excluded"
    if not benchmark.hidden and not good[benchmark.positives[i]].any():
        answers = ", ".join(benchmark.documents[p].id for p in benchmark.positives[i])
        return f"its target {answers} is excluded"
    return _fault(benchmark.queries[i], preflight, benchmark.needs)
