"""What the filters look at: motion, richness and loudness, gathered in the one pass over an original.

Neither the paper's cut-offs nor its exact measures are known. Here
motion is the mean length of the optical flow (DIS: Kroeger et al., Fast Optical Flow using Dense Inverse Search, 2016)
between frames a tenth of a second apart, in lengths of the picture's longer side a second;
richness is the variance of the visual features, which are the CIELAB colours of 16 x 16 cells of the picture, scaled
to [0, 1], over cells and time, summed over the three channels: 0 for one flat colour, at most 0.75;
loudness is the root mean square of all samples, in dB of full scale.
"""

from __future__ import annotations

import math
from bisect import bisect_left

import cv2
import numpy as np
from av import AudioFrame
from numpy.typing import NDArray

from .streams import samples_of

APART = 0.1  # seconds between the two frames of a flow
CELLS = 16
SILENCE = -120.0  # dB; what a track of zeros is given


class Pictures:
    """Motion and richness, from frames BGR uint8 `(height, width, 3)` with their times.

    Parameters
    ----------
    rate: times a second at which both are measured.
    """

    def __init__(self, rate: float) -> None:
        self._pause = 1 / rate
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._first: tuple[float, NDArray[np.uint8]] | None = None  # of the flow that is under way
        self._next = -math.inf
        self._times: list[float] = []
        self._cells: list[NDArray[np.uint8]] = []
        self._flows: list[tuple[float, float, float]] = []  # begin, end, motion

    def add(self, time: float, picture: NDArray[np.uint8]) -> None:
        """The next frame."""
        if self._first is not None and time >= self._first[0] + APART:
            self._measure_flow(time, picture)
        if self._first is None and time >= self._next:
            self._next = time + self._pause
            self._times.append(time)
            small = cv2.resize(picture, (CELLS, CELLS), interpolation=cv2.INTER_AREA)
            self._cells.append(np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2LAB), np.uint8))
            self._first = time, np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)

    def _measure_flow(self, time: float, picture: NDArray[np.uint8]) -> None:
        assert self._first is not None
        begin, before = self._first
        self._first = None
        flow = self._flow.calc(before, cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), None)  # type: ignore[call-overload]  # no flow to start from is allowed
        length = float(np.hypot(flow[..., 0], flow[..., 1]).mean()) / max(before.shape)
        self._flows.append((begin, time, length / (time - begin)))

    def motion(self, start: float, end: float) -> float:
        """Mean over the flows that lie in the stretch as a whole, so that none reaches across a cut; 0 without any."""
        first = bisect_left(self._flows, (start,))
        inside = [one for begin, until, one in self._flows[first : bisect_left(self._flows, (end,))] if until < end]
        return float(np.mean(inside)) if inside else 0.0

    def richness(self, start: float, end: float) -> float:
        """Variance over cells and the frames measured in the stretch; 0 without any."""
        cells = self._cells[bisect_left(self._times, start) : bisect_left(self._times, end)]
        if not cells:
            return 0.0
        return float((np.stack(cells) / 255).reshape(-1, 3).var(axis=0).sum())


class Sounds:
    """Loudness and extent of the sound, from frames as they are decoded."""

    def __init__(self) -> None:
        self._blocks: list[tuple[float, float, float]] = []  # time, seconds, mean square

    def add(self, frame: AudioFrame) -> None:
        """The next frame."""
        seconds = frame.samples / frame.sample_rate
        if frame.samples:
            self._blocks.append((float(frame.time or 0), seconds, float(np.square(samples_of(frame)).mean())))

    @property
    def end(self) -> float:
        """When the sound ends; 0 where there is none."""
        return max((time + seconds for time, seconds, _ in self._blocks), default=0.0)

    def measure(self, start: float, end: float) -> tuple[float, float]:
        """Loudness in dB of what sounds in the stretch, and the share of the stretch that has sound."""
        first = max(bisect_left(self._blocks, (start,)) - 1, 0)  # the block before may reach into the stretch
        covered = whole = energy = 0.0
        for time, length, power in self._blocks[first : bisect_left(self._blocks, (end,))]:
            covered += max(0.0, min(time + length, end) - max(time, start))
            if start <= time and time + length <= end:  # what reaches across a cut may be much louder
                whole += length
                energy += length * power
        loudness = 10 * math.log10(energy / whole) if energy > 0 else SILENCE
        return max(loudness, SILENCE), min(1.0, covered / (end - start))
