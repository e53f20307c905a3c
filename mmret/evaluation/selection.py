"""Which queries and documents are scored: a stratified sample, and what unusable media rule out."""

from __future__ import annotations

from typing import Literal

import numpy as np

from ..benchmarks import Benchmark, Exclusions, media_faults
from ..errors import InputError, RunError, first_ten
from ..items import text_digest
from ..media import Preflight
from ..meter import Meter
from ..progress import bar

OnBadMedia = Literal["exclude", "fail"]


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
    needed = np.zeros(len(benchmark.documents), bool)
    needed[benchmark.galleries.positions] = needed[sources] = True
    return benchmark if needed.all() else benchmark.subset(np.arange(len(benchmark.queries)), np.flatnonzero(needed))


def exclude_bad_media(
    benchmark: Benchmark, preflight: Preflight, on_bad: OnBadMedia, meter: Meter, *, show: bool
) -> tuple[Benchmark, Exclusions]:
    """Inspect all media and leave out what cannot be used, and what the benchmark's exclusion list names.

    Raises `RunError` naming the files when `on_bad` is "fail", or when nothing is left to score.
    """
    listed = benchmark.excluded
    unlisted = [item for item in benchmark.documents if item.id not in listed.of_documents]
    unlisted += [item for item in benchmark.queries if item.id not in listed.of_queries]
    files = preflight.missing(media for item in unlisted for media in item.media)
    with meter.stage("preflight", items=len(files)), bar(len(files), "preflight", "file", show=show) as progress:
        for _ in preflight.run(files):
            progress.update()
    found = media_faults(benchmark, preflight)
    new = [one for one in found.documents if one["id"] not in listed.of_documents]
    new = new or [one for one in found.queries if one["id"] not in listed.of_queries]
    named = first_ten([f"{one.get('file', one['id'])} ({one['reason']})" for one in new])
    if new and on_bad == "fail":
        raise RunError(f"{benchmark.name}: unusable media: {named}; mend them, or pass --on-bad-media exclude")
    bad_documents, bad_queries = ({one["id"] for one in some} for some in (found.documents, found.queries))
    kept = np.flatnonzero([item.id not in bad_queries for item in benchmark.queries])
    if not len(kept):
        raise RunError(f"{benchmark.name}: no query can be asked, its media are unusable: {named}")
    gone = [one for one in listed.queries if one["id"] not in bad_queries]  # the loader left them out
    excluded = Exclusions(found.documents, gone + found.queries)
    if not found:
        return benchmark, excluded
    good = np.flatnonzero([item.id not in bad_documents for item in benchmark.documents])
    return benchmark.subset(kept, good), excluded
