"""Decoded clips for encoders: each file is decoded once, ahead of need, within a memory budget."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from concurrent.futures import Future
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import RunError
from ..items import Item, Media
from ..meter import Meter
from .decode import Clip, ClipRequest, decode, decode_image
from .sound import resample
from .workers import Fault, Workers


class ClipLoader:
    """Hands out frames and sound of items.

    A file that serves as source, target and candidate is decoded once and kept while the budget lasts.

    Parameters
    ----------
    request: what is decoded of every file.
    workers: the processes that decode.
    meter: the time spent waiting for decoders goes to its stage "decode", their own to that stage elsewhere.
    max_bytes: budget for decoded clips that are kept for a second use.
    """

    def __init__(self, request: ClipRequest, workers: Workers, meter: Meter, max_bytes: int = 512_000_000) -> None:
        self.request = request
        self._workers = workers
        self._meter = meter
        self._max_bytes = max_bytes
        self._kept: OrderedDict[Media, Clip] = OrderedDict()
        self._bytes = 0  # of those that are kept
        self._coming: deque[tuple[Media, bool]] = deque()
        self._running: dict[Media, Future[Any]] = {}

    def expect(self, items: Iterable[Item]) -> None:
        """Announce the items that will be asked for next, so that they are decoded ahead.

        Behind them come those that the workers know to be coming, of which the same modalities will be read.
        """
        items = list(items)
        read = {modality for item in items for modality in item.modalities} - {"text"}
        if not read:
            return
        items += [item.keep(read) for item in self._workers.coming]
        wanted = [(media, media == item.image) for item in items for media in item.media]
        for media in self._running.keys() - {media for media, _ in wanted}:
            del self._running[media]  # nobody will ask for it
        self._coming = deque(one for one in wanted if one[0] not in self._running)
        self._start_more()

    def frames(self, item: Item) -> NDArray[np.uint8] | None:
        """Frames of an item's video, or its picture as one: uint8 RGB `(n, height, width, 3)`; None without either."""
        if item.video is not None:
            return self._clip(item.video, is_image=False).frames
        return self._clip(item.image, is_image=True).frames if item.image is not None else None

    def sound(self, item: Item, rate: int) -> NDArray[np.float32] | None:
        """Mono sound of an item at `rate` Hz, float32 `(samples,)`; None where the item has no sound."""
        if item.audio is None:
            return None
        clip = self._clip(item.audio, is_image=False)
        return None if clip.sound is None else resample(clip.sound, clip.rate, rate)

    def _clip(self, media: Media, *, is_image: bool) -> Clip:
        if media in self._kept:
            self._kept.move_to_end(media)
            return self._kept[media]
        with self._meter.stage("decode", items=1):
            self._start(media, is_image)
            outcome = self._workers.result_of(self._running.pop(media))
            self._start_more()
        if isinstance(outcome, Fault):
            raise RunError(
                f"{media}: passed the preflight and yet cannot be decoded by {self.request.reader}: {outcome.reason}; "
                "try the other reader with --reader, or leave the file out of the benchmark"
            )
        clip: Clip = outcome
        self._meter.add_elsewhere("decode", clip.seconds)
        self._keep(media, clip)
        return clip

    def _start(self, media: Media, is_image: bool) -> None:
        if media not in self._running:
            job = (decode_image, media) if is_image else (decode, media, self.request)
            self._running[media] = self._workers.submit(*job)

    def _start_more(self) -> None:
        while self._coming and len(self._running) < 2 * self._workers.count:
            media, is_image = self._coming.popleft()
            if media not in self._kept:
                self._start(media, is_image)

    def _keep(self, media: Media, clip: Clip) -> None:
        self._kept[media] = clip
        self._bytes += clip.nbytes
        while len(self._kept) > 1 and self._bytes > self._max_bytes:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= oldest.nbytes
