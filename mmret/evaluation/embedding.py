"""Items to vectors through the store: what is there is read, what is not is embedded batch by batch and kept."""

from __future__ import annotations

from collections.abc import Sequence

from ..encoders import Encoder, Vectors, VectorStore
from ..items import Item, Side
from ..meter import Meter
from ..progress import bar
from .checks import check_vectors


def embed_all(
    encoder: Encoder,
    items: Sequence[Item],
    side: Side,
    store: VectorStore,
    batch_size: int,
    meter: Meter,
    *,
    show: bool,
) -> Vectors:
    """Vectors of all items, float32 `(len(items), d)` or sets of them; equal contents share theirs.

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
            check_vectors(encoder, vectors, [by_digest[digest] for digest in batch], side, store.width)
            store.add(batch, vectors)
            progress.update(len(batch))
    with meter.stage("read vectors", items=len(digests)):
        return store.get(digests)
