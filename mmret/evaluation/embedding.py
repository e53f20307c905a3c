"""Items to vectors through the store: what is there is read, what is not is embedded batch by batch and kept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..encoders import Encoder, VectorStore
from ..errors import InputError, RunError, first_ten
from ..items import Item, Modality, Side
from ..meter import Meter
from ..progress import bar


def modality_warnings(encoder: Encoder, items: Sequence[Item], side: Side) -> list[str]:
    """What of the items an encoder does not read. Raises `InputError` when it reads nothing of one."""
    reads = encoder.spec.reads(side)
    unread: set[Modality] = set()
    for item in items:
        if not item.modalities & reads:
            has = ", ".join(sorted(item.modalities)) or "nothing"
            raise InputError(
                f"model {encoder.spec.name!r} reads {', '.join(sorted(reads))} of a {side}, "
                f"but {side} {item.id} has {has}; choose another model or drop less"
            )
        unread |= item.modalities - reads
    return [f"{encoder.spec.name} does not read the {modality} of a {side}" for modality in sorted(unread)]


def embed_all(
    encoder: Encoder,
    items: Sequence[Item],
    side: Side,
    store: VectorStore,
    batch_size: int,
    meter: Meter,
    *,
    show: bool,
) -> NDArray[np.float32]:
    """Vectors of all items, float32 `(len(items), d)`; equal contents share one vector.

    Each batch is kept as soon as it is embedded, so that a run that is stopped goes on where it stood.
    """
    digests = [item.digest for item in items]
    by_digest = dict(zip(digests, items, strict=True))
    todo = store.missing(digests)
    with bar(len(todo), "embed queries" if side == "query" else "embed documents", "item", show=show) as progress:
        for start in range(0, len(todo), batch_size):
            batch = todo[start : start + batch_size]
            with meter.stage(f"embed {side}", items=len(batch)):
                vectors = encoder.embed([by_digest[digest] for digest in batch], side)
            _check(encoder, vectors, [by_digest[digest] for digest in batch], side)
            store.add(batch, vectors)
            progress.update(len(batch))
    return store.get(digests)


def _check(encoder: Encoder, vectors: NDArray[np.float32], items: Sequence[Item], side: Side) -> None:
    name = encoder.spec.name
    if (
        not isinstance(vectors, np.ndarray)
        or vectors.dtype != np.float32
        or vectors.ndim != 2
        or len(vectors) != len(items)
    ):
        got = f"{vectors.dtype} {vectors.shape}" if isinstance(vectors, np.ndarray) else type(vectors).__name__
        raise RunError(f"model {name!r} must return float32 ({len(items)}, d) for {len(items)} {side} items, not {got}")
    bad = [item.id for item, row in zip(items, vectors, strict=True) if not np.isfinite(row).all()]
    if bad:
        raise RunError(
            f"model {name!r} returned NaN or infinity for {side} {first_ten(bad)}; nothing of this batch is kept"
        )
