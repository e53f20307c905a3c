"""Which queries and documents are scored: a stratified sample, and what unusable media rule out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..benchmarks import Benchmark
from ..errors import InputError, RunError, first_ten
from ..items import Item, Modality, text_digest
from ..media import Preflight
from ..meter import Meter
from ..progress import bar

OnBadMedia = Literal["exclude", "fail"]


@dataclass(frozen=True)
class Exclusions:
    """What is left out for every model alike: unusable documents, and the queries that cannot be asked without them.

    Both lists hold `{"id", "reason"}`, a document's entry also `"file"`.
    """

    documents: list[dict[str, str]] = field(default_factory=list)
    queries: list[dict[str, str]] = field(default_factory=list)


def sample(benchmark: Benchmark, limit: int) -> Benchmark:
    """At most `limit` queries, each slice in its share of the whole, the same ones on every machine.

    A query's turn within its stratum is decided by the digest of its id, so the order of the queries cannot matter.
    """
    if limit < 1:
        raise InputError(f"--limit must be at least 1, not {limit}")
    if limit >= len(benchmark.queries):
        return benchmark
    labels: list[list[str]] = [[] for _ in benchmark.queries]
    for label, members in benchmark.slices.items():
        for i in members:
            labels[i].append(label)
    strata: dict[str, list[int]] = {}
    for i in sorted(range(len(labels)), key=lambda i: text_digest(benchmark.queries[i].id)):
        strata.setdefault("\0".join(labels[i]), []).append(i)
    # Largest strata are served in proportion: the k-th of n members stands at (k + 1/2) / n of the sample.
    turns = sorted(((k + 0.5) / len(one), key, i) for key, one in strata.items() for k, i in enumerate(one))
    chosen = np.asarray(sorted(i for _, _, i in turns[:limit]), np.int64)
    return benchmark.subset(chosen, np.arange(len(benchmark.documents)))


def candidates_only(benchmark: Benchmark) -> Benchmark:
    """The benchmark without documents that are in no gallery and no query's source."""
    if benchmark.galleries is None:
        return benchmark
    sources = benchmark.source[benchmark.source >= 0] if benchmark.source is not None else np.zeros(0, np.int32)
    needed = np.union1d(benchmark.galleries.positions, sources)
    return benchmark.subset(np.arange(len(benchmark.queries)), needed.astype(np.int64))


def exclude_bad_media(
    benchmark: Benchmark, preflight: Preflight, on_bad: OnBadMedia, meter: Meter, *, show: bool
) -> tuple[Benchmark, Exclusions]:
    """Inspect all media and leave out what cannot be used.

    Raises `RunError` naming the files when `on_bad` is "fail", or when nothing is left to score.
    """
    items = [*benchmark.documents, *benchmark.queries]
    files = preflight.missing(media for item in items for media in item.media)
    with meter.stage("preflight", items=len(files)), bar(len(files), "preflight", "file", show=show) as progress:
        for _ in preflight.run(files):
            progress.update()
    faults = [_fault(item, preflight, benchmark.needs) for item in benchmark.documents]
    documents = [
        {"id": item.id, "file": str(item.media[0]), "reason": fault}
        for item, fault in zip(benchmark.documents, faults, strict=True)
        if fault is not None
    ]
    good = np.asarray([fault is None for fault in faults])
    reasons = [_query_fault(benchmark, i, good, preflight) for i in range(len(benchmark.queries))]
    queries = [
        {"id": item.id, "reason": reason}
        for item, reason in zip(benchmark.queries, reasons, strict=True)
        if reason is not None
    ]
    if not documents and not queries:
        return benchmark, Exclusions()
    named = first_ten([f"{one.get('file', one['id'])} ({one['reason']})" for one in documents or queries])
    if on_bad == "fail":
        raise RunError(f"{benchmark.name}: unusable media: {named}; mend them, or pass --on-bad-media exclude")
    kept = np.flatnonzero([reason is None for reason in reasons])
    if not len(kept):
        raise RunError(f"{benchmark.name}: no query can be asked, its media are unusable: {named}")
    return benchmark.subset(kept, np.flatnonzero(good)), Exclusions(documents, queries)


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
    if not good[benchmark.positives[i]].any():
        answers = ", ".join(benchmark.documents[p].id for p in benchmark.positives[i])
        return f"its target {answers} is excluded"
    return _fault(benchmark.queries[i], preflight, benchmark.needs)
