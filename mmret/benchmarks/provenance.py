"""Labels by where they come from: people, a model, an older set, or a scan of the data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import replace

import numpy as np

from ..errors import InputError
from ..vectors import offsets_of
from .base import Benchmark
from .ragged import Ragged


def only_provenance(benchmark: Benchmark, kinds: Collection[str]) -> Benchmark:
    """The benchmark with those right documents only whose label comes from one of `kinds`.

    Parameters
    ----------
    kinds: as the labels say, whole ("model:qwen") or up to the colon ("model").

    Queries left without a right document are not asked. Raises `InputError` when the labels do not say where they come
    from, or none is of these kinds.
    """
    kinds = {kinds} if isinstance(kinds, str) else kinds
    if benchmark.provenance is None:
        raise InputError(f"{benchmark.name}: its labels do not say where they come from; leave out --provenance")
    found = Counter(benchmark.provenance.tolist())
    wanted = [name for name in found if name in kinds or name.partition(":")[0] in kinds]
    if not wanted:
        has = ", ".join(f"{name or 'not said'} ({count})" for name, count in found.most_common())
        raise InputError(f"{benchmark.name}: no label comes from {', '.join(sorted(kinds))}; there are: {has}")
    asked = np.unique(benchmark.positives.rows[np.isin(benchmark.provenance, wanted)])
    left = benchmark.subset(asked, np.arange(len(benchmark.documents)))
    assert left.provenance is not None  # as above
    kept = np.isin(left.provenance, wanted)
    sizes = np.bincount(left.positives.rows[kept], minlength=len(asked))
    return replace(
        left,
        positives=Ragged(offsets_of(sizes), left.positives.positions[kept]),
        gains=left.gains[kept],
        provenance=left.provenance[kept],
    )
