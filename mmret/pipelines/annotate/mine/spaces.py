"""The vectors of clips in the two spaces, by any encoder, through the vector store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ....encoders import Encoder, Memory, Options, create_encoder, fingerprint
from ....errors import InputError
from ....evaluation.embedding import embed_sides
from ....evaluation.evaluate import resolve_device
from ....items import Item, Media, Modality
from ....media import Workers
from ....meter import Meter
from ....paths import cache_folder
from ..gates import Space
from ..records import Clip
from .similarity import Matrix

READS: dict[Space, Modality] = {"visual": "video", "audio": "audio"}
BATCH = 64  # clips embedded and kept at a time


class Spaces:
    """The two encoders of a project.

    Parameters
    ----------
    references: of the encoder for each space.
    device: a torch device, or "auto".
    cache: folder of the vector store; None for the usual one.
    workers: the processes that decode.

    Raises `InputError` for an encoder that does not read its space, or gives no single vector.
    """

    def __init__(self, references: dict[Space, str], device: str, cache: Path | None, workers: Workers) -> None:
        self._cache, self._meter, self._memory = cache_folder(cache), Meter(), Memory()
        self._encoders: dict[Space, tuple[Encoder, str]] = {}
        for space, reference in references.items():
            where = resolve_device(device, reference)
            options = Options(workers, device=where, cache=cache, meter=self._meter, memory=self._memory)
            model = create_encoder(reference, options)
            if not isinstance(model, Encoder) or model.spec.scoring != "dot":
                raise InputError(f"mine: {reference!r} gives no single vector an item; choose another {space} encoder")
            if READS[space] not in model.spec.document:
                raise InputError(f"mine: {reference!r} reads no {READS[space]}; choose another {space} encoder")
            self._encoders[space] = model, where

    @property
    def fingerprints(self) -> dict[Space, str]:
        """All that decides the vectors of each space."""
        return {space: fingerprint(encoder) for space, (encoder, _) in self._encoders.items()}

    def vectors(self, space: Space, clips: Sequence[Clip], path: Callable[[str], Path], *, show: bool) -> Matrix:
        """Unit vectors float32 `(clips, d)` of what is seen, or heard, alone; zeros stay zeros.

        `path` says where the clip of an id lies.
        """
        import faiss

        encoder, device = self._encoders[space]
        items = [_item(space, clip.id, _media(path(clip.id), clip.sha256)) for clip in clips]
        made = embed_sides(
            encoder, {"document": items}, self._cache, batch_size=BATCH, cost_items=0, device=device,
            meter=self._meter, memory=self._memory, show=show,
        )  # fmt: skip
        self._memory.clear()
        matrix: Matrix = np.ascontiguousarray(made.vectors["document"])
        faiss.normalize_L2(matrix)
        return matrix


def _item(space: Space, name: str, media: Media) -> Item:
    return Item(name, video=media) if space == "visual" else Item(name, audio=media)


def _media(path: Path, sha256: str) -> Media:
    """A file whose digest is known already."""
    media = Media(path)
    vars(media)["digest"] = sha256  # fills the cached property
    return media
