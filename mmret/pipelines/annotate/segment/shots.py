"""Where an original is cut: its shots, and the stretches that clips are made of."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scenedetect import ContentDetector, FrameTimecode
from scenedetect.common import Timecode

from ..config import Segment

Stretch = tuple[int, int]  # number of the first frame, and of the frame after the last


class Shots:
    """Cuts by the content detector of PySceneDetect, which is given each frame once.

    Parameters
    ----------
    base: unit of the frames' times.
    rate: frames a second, on average.
    """

    def __init__(self, settings: Segment, base: Fraction, rate: Fraction) -> None:
        self._detector = ContentDetector(threshold=settings.threshold, min_scene_len=settings.shortest_shot)
        self._base, self._rate = base, rate
        self._numbers: dict[int, int] = {}
        self._cuts: list[FrameTimecode] = []

    def add(self, stamp: int, picture: NDArray[np.uint8]) -> None:
        """The next frame, BGR `(height, width, 3)`."""
        self._numbers[stamp] = len(self._numbers)
        self._cuts += self._detector.process_frame(self._time(stamp), picture)

    def stretches(self) -> list[Stretch]:
        """The shots of all frames so far, one at least."""
        cuts = [*self._cuts, *self._detector.post_process(self._time(next(reversed(self._numbers))))]
        ends = sorted({0, *(self._numbers[cut.pts] for cut in cuts), len(self._numbers)})
        return list(pairwise(ends))

    def _time(self, stamp: int) -> FrameTimecode:
        return FrameTimecode(Timecode(stamp, self._base), self._rate)


def divide(shots: Sequence[Stretch], times: Sequence[float], settings: Segment) -> list[Stretch]:
    """The stretches that clips are made of, in order, those that are too short among them.

    A shot longer than a clip may be becomes equal parts, where its pictures follow closely enough. With
    `short_shots = "join"`, a short one is joined with those after it as long as they fit.

    Parameters
    ----------
    times: when each frame is shown and, last, when the last one ends; seconds, rising.
    """
    joined = list(_joined(shots, times, settings)) if settings.short_shots == "join" else shots
    return [part for shot in joined for part in _parts(shot, times, settings.longest)]


def _joined(shots: Sequence[Stretch], times: Sequence[float], settings: Segment) -> Iterator[Stretch]:
    waiting: Stretch | None = None
    for first, end in shots:
        begin = first
        if waiting is not None and times[end] - times[waiting[0]] <= settings.longest:
            begin = waiting[0]
        elif waiting is not None:
            yield waiting
        waiting = (begin, end)
        if times[end] - times[begin] >= settings.shortest:
            yield waiting
            waiting = None
    if waiting is not None:
        yield waiting


def _parts(shot: Stretch, times: Sequence[float], longest: float) -> list[Stretch]:
    first, end = shot
    begin, length = times[first], times[end] - times[first]
    least = math.ceil(length / longest - 1e-9)
    for count in range(least, 2 * least + 1):  # borders fall on frames: a part can be a frame too long
        borders = [begin + length * i / count for i in range(1, count)]
        ends = sorted({first, *np.searchsorted(times, np.asarray(borders) - 1e-9).tolist(), end})
        parts = list(pairwise(ends))
        if all(times[b] - times[a] <= longest + 1e-9 for a, b in parts):
            return parts
    return list(_filled(shot, times, longest))


def _filled(shot: Stretch, times: Sequence[float], longest: float) -> Iterator[Stretch]:
    """Parts one after the other, each as long as may be: for pictures that stand long, as in recordings of screens. One
    that by itself is longer than a clip may be is a part of its own."""
    first, end = shot
    while first < end:
        after = min(end, max(first + 1, bisect_right(times, times[first] + longest + 1e-9) - 1))
        yield first, after
        first = after
