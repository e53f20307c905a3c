"""Vectors of clips and texts by any encoder, through the vector store."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...encoders import Encoder, Memory, Options, create_encoder
from ...errors import InputError
from ...evaluation.devices import resolve_device
from ...evaluation.embedding import embed_sides
from ...evaluation.replica import Replica
from ...items import Item, Media, Modality, Side
from ...media import Workers
from ...meter import Meter
from ...paths import cache_folder

BATCH = 64  # items embedded and kept at a time
Matrix = NDArray[np.float32]


class Embedder:
    """An encoder with one vector an item.

    Parameters
    ----------
    reference: of the encoder.
    needs: modalities that it must read on both sides.
    device: a torch device, or "auto".
    cache: folder of the vector store; None for the usual one.
    workers: the processes that decode.

    Raises `InputError` for an encoder that is not known, does not read what is needed, or gives no single vector.
    """

    def __init__(
        self, reference: str, needs: Sequence[Modality], device: str, cache: Path | None, workers: Workers
    ) -> None:
        self._cache, self._device = cache_folder(cache), resolve_device(device, reference)
        self._workers, self._meter, self._memory = workers, Meter(), Memory()
        options = Options(workers, device=self._device, cache=cache, meter=self._meter, memory=self._memory)
        model = create_encoder(reference, options)
        if not isinstance(model, Encoder) or model.spec.scoring != "dot":
            raise InputError(f"{reference!r} gives no single vector an item; choose another encoder")
        lacking = sorted(set(needs) - (model.spec.query & model.spec.document))
        if lacking:
            raise InputError(f"{reference!r} reads no {' and no '.join(lacking)}; choose another encoder")
        self.encoder = model

    def vectors(self, items: Sequence[Item], side: Side, *, show: bool = False) -> Matrix:
        """Unit vectors float32 `(items, d)`, at least one; zeros stay zeros."""
        import faiss

        made = embed_sides(
            Replica(self.encoder, self._workers, self._meter, self._memory), {side: items}, self._cache,
            batch_size=BATCH, cost_items=0, device=self._device, show=show,
        )  # fmt: skip
        self._memory.clear()
        matrix: Matrix = np.ascontiguousarray(made.vectors[side])
        faiss.normalize_L2(matrix)
        return matrix


def media_of(path: Path, sha256: str) -> Media:
    """A file whose digest is known already."""
    media = Media(path)
    vars(media)["digest"] = sha256  # fills the cached property
    return media
