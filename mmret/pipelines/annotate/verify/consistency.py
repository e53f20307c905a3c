"""consistency:ENCODER: whether an encoder's vectors bear out what a text claims. Needs no server."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ....encoders import fingerprint
from ....items import Item
from ..embedder import Embedder, Matrix, media_of
from ..records import Clip, Criteria
from .judge import Case, Judgement


class ConsistencyJudge:
    """Compares text, source and target as vectors.

    - true of the target: the text is nearer to the target than to the other clips in the mean;
    - false of the source: the text is nearer to the target than to the source;
    - unambiguous: of the target and the others the target is among the first `rank` for source and text together.

    Whether a text is complete and natural no vector can say: these points hold always. Nor does a vector see a
    negation, which the controls show.

    Parameters
    ----------
    embedder: its encoder reads text, video and sound.
    rank: see above.
    path: where the clip of an id lies.
    """

    at_once = True

    def __init__(self, embedder: Embedder, rank: int, path: Callable[[str], Path], *, show: bool = False) -> None:
        self._embedder, self._rank, self._path, self._show = embedder, rank, path, show
        self.name = f"consistency:{embedder.encoder.spec.name}"
        self.identity: Mapping[str, Any] = {"encoder": fingerprint(embedder.encoder), "rank": rank}

    def judge(self, cases: Sequence[Case]) -> list[Judgement]:
        """A judgement of each case."""
        if not cases:
            return []
        clips = {side.clip.id: side.clip for case in cases for side in (case.source, case.target, *case.others)}
        rows = {name: i for i, name in enumerate(clips)}
        asked = [Item(case.id, text=case.text) for case in cases]
        asked += [self._item(case.source.clip, case.text) for case in cases]
        shown = self._embedder.vectors([self._item(clip) for clip in clips.values()], "document", show=self._show)
        told, composed = np.split(self._embedder.vectors(asked, "query", show=self._show), 2)
        return [self._judge(case, shown, rows, *both) for case, *both in zip(cases, told, composed, strict=True)]

    def _item(self, clip: Clip, text: str | None = None) -> Item:
        media = media_of(self._path(clip.id), clip.sha256)
        return Item(clip.id, text=text, video=media, audio=media)

    def _judge(self, case: Case, shown: Matrix, rows: Mapping[str, int], told: Matrix, composed: Matrix) -> Judgement:
        target, source = shown[rows[case.target.clip.id]], shown[rows[case.source.clip.id]]
        others = shown[[rows[side.clip.id] for side in case.others]]
        at_target, at_source = float(told @ target), float(told @ source)
        at_others = float((others @ told).mean()) if len(others) else -1.0
        place = 1 + int((others @ composed >= composed @ target).sum())
        criteria = Criteria(
            true_of_target=at_target > at_others,
            false_of_source=at_target > at_source,
            complete=True,
            unambiguous=place <= self._rank,
            natural=True,
        )
        reason = f"text to target {at_target:.2f}, to source {at_source:.2f}, to others {at_others:.2f}; place {place}"
        return Judgement(criteria, reason)
