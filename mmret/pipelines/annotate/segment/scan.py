"""One decoding pass over an original: shots, motion, richness and loudness at once."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from ..config import Segment
from ..records import Record
from .measures import Pictures, Sounds
from .shots import Shots, divide
from .streams import UnusableError, choose_streams, decoded, open_original

SIDE = 160  # pixels of the longer side of the frames that are looked at
USUAL_RATE = Fraction(25)  # frames a second, where the container names none
SLACK = 1.0  # seconds that a container may promise and not hold


class Span(Record):
    """A stretch of an original that may become a clip.

    Parameters
    ----------
    first, after: times of the first frame and of the end, in units of the picture's time base.
    start, end: the same in seconds.
    frames: their number.
    motion, richness, loudness: see `measures`.
    sound: share of the stretch that has sound.
    """

    first: int
    after: int
    start: float
    end: float
    frames: int
    motion: float
    richness: float
    loudness: float
    sound: float


class Scan(Record):
    """What a pass over an original found; `seconds` is the length of its picture."""

    seconds: float
    frames: int
    spans: list[Span]


def scan_file(path: Path, settings: Segment) -> Scan:
    """Decode an original once, from end to end. Raises `UnusableError` where it cannot be used as a whole."""
    cv2.setNumThreads(1)  # for pictures this small, its threads cost more than they bring
    with open_original(path) as container:
        picture, sound = choose_streams(container)
        promised = (container.duration or 0) / av.time_base
        watch = _Watch(picture, settings)
        heard = Sounds()
        for frame in decoded(container, picture, sound):
            if isinstance(frame, av.VideoFrame):
                watch.add(frame)
            else:
                heard.add(frame)
    if not watch.stamps:
        raise UnusableError("no moving picture")
    if not heard.end:
        raise UnusableError("no sound track: it holds no sample")
    stamps, times = watch.ends()
    found = max(times[-1], heard.end)  # on the file's clock, from whose zero some containers count their length
    if found < promised - SLACK:
        raise UnusableError(f"truncated: {found:.1f} of {promised:.1f} s decode")
    stretches = divide(watch.shots.stretches(), times, settings)
    spans = [_span(one, stamps, times, watch.measures, heard) for one in stretches]
    return Scan(seconds=round(times[-1] - times[0], 3), frames=len(watch.stamps), spans=spans)


class _Watch:
    """Looks at each picture, made small."""

    def __init__(self, stream: av.VideoStream, settings: Segment) -> None:
        self._base = stream.time_base or Fraction(1, av.time_base)
        self._rate = stream.average_rate or stream.guessed_rate or USUAL_RATE
        self._small = VideoReformatter()
        self._duration = 0
        self.shots = Shots(settings, self._base, self._rate)
        self.measures = Pictures(settings.samples)
        self.stamps: list[int] = []

    def add(self, frame: av.VideoFrame) -> None:
        """The next frame. Raises `UnusableError` where time does not go on."""
        assert frame.pts is not None
        if self.stamps and frame.pts <= self.stamps[-1]:
            raise UnusableError(f"times that go back: at {frame.time:.2f} s")
        self.stamps.append(frame.pts)
        self._duration = frame.duration
        small = self._shrink(frame)
        self.shots.add(frame.pts, small)
        self.measures.add(float(frame.pts * self._base), small)

    def ends(self) -> tuple[list[int], list[float]]:
        """When each frame is shown and when the last one ends, in units of the time base and in seconds."""
        last = self._duration or max(1, round(1 / self._rate / self._base))
        stamps = [*self.stamps, self.stamps[-1] + last]
        return stamps, [float(stamp * self._base) for stamp in stamps]

    def _shrink(self, frame: av.VideoFrame) -> NDArray[np.uint8]:
        scale = SIDE / max(frame.width, frame.height)
        # PyAV's own threads cost more than so small a picture.
        small = self._small.reformat(
            frame,
            width=max(16, round(frame.width * scale)),
            height=max(16, round(frame.height * scale)),
            format="bgr24",
            interpolation="FAST_BILINEAR",
            threads=1,
        )
        return np.asarray(small.to_ndarray(), np.uint8)


def _span(stretch: tuple[int, int], stamps: list[int], times: list[float], pictures: Pictures, sounds: Sounds) -> Span:
    first, after = stretch
    start, end = times[first], times[after]
    loudness, share = sounds.measure(start, end)
    return Span(
        first=stamps[first],
        after=stamps[after],
        start=round(start, 6),
        end=round(end, 6),
        frames=after - first,
        motion=round(pictures.motion(start, end), 5),
        richness=round(pictures.richness(start, end), 5),
        loudness=round(loudness, 2),
        sound=round(share, 3),
    )
