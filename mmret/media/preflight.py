"""Does a file hold what its container claims? Asked before any model runs, and answered for all models alike.

A file is decoded from end to end by PyAV, and what comes out is compared with what the container says. `Report.fault`
then tells whether the file can be used by a benchmark that needs pictures, sound, or both.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.frame import format_dtypes
from PIL import Image

from ..errors import RunError
from ..items import NO_CONTENT, Media, Modality
from ..lines import read_lines
from .workers import Fault, Workers

REPORT_VERSION = 1
# A container may count a last frame that is never shown, and a codec pads the sound by a few thousand samples.
FRAME_SLACK = 2
SOUND_SLACK = 0.25  # seconds
SILENCE = 1e-4  # peak amplitude below which a track counts as silent, about -80 dB


@dataclass(frozen=True)
class Report:
    """What decoding one file from end to end showed.

    Seconds are media time; `frames_claimed` and `sound_claimed` are the container's own figures, None where it has
    none; `peak` is the largest absolute sample of the sound track in [0, 1]; `broken` is the first decoding error.
    """

    width: int = 0
    height: int = 0
    frames: int = 0
    frames_claimed: int | None = None
    frame_rate: float = 0.0
    video_codec: str | None = None
    sound: float = 0.0
    sound_claimed: float | None = None
    sample_rate: int = 0
    audio_codec: str | None = None
    peak: float = 0.0
    corrupt: int = 0
    broken: str | None = None

    @property
    def silent(self) -> bool:
        """There is a sound track and nothing can be heard on it."""
        return self.audio_codec is not None and self.sound > 0 and self.peak < SILENCE

    def fault(self, needs: Collection[Modality]) -> str | None:
        """Why the file cannot serve a benchmark that needs these modalities of it; None when it can."""
        if self.broken is not None and not (self.frames or self.sound):
            return self.broken
        for needed, found in (("video", self.video_codec), ("image", self.video_codec), ("audio", self.audio_codec)):
            if needed in needs and found is None:
                return {"video": "no picture track", "image": "no picture", "audio": "no sound track"}[needed]
        if self.corrupt:
            return f"damaged: {self.corrupt} frames decode with errors"
        if "video" in needs and self.frames < (self.frames_claimed or 1) - FRAME_SLACK:
            return f"truncated: {self.frames} of {self.frames_claimed} frames decode"
        if "video" in needs and self.frames == 0:
            return "the picture track holds no frame"
        if "audio" in needs and self.sound < (self.sound_claimed or 0.0) - SOUND_SLACK:
            return f"truncated: {self.sound:.2f} of {self.sound_claimed:.2f} s of sound decode"
        if "audio" in needs and self.sound == 0:
            return "the sound track holds no sample"
        return f"damaged: {self.broken}" if self.broken is not None else None


def inspect(media: Media) -> Report:
    """Decode a file from end to end. A file that cannot be opened gives a report with `broken` set."""
    try:
        with media.open() as file:
            if not file.read(1):
                return Report(broken="the file is empty")
    except FileNotFoundError:
        return Report(broken="the file is missing")
    except OSError as error:
        return Report(broken=f"the file cannot be read: {error.strerror}")
    return _inspect_image(media) if _is_image(media) else _inspect_clip(media)


def _is_image(media: Media) -> bool:
    return media.suffix in {".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff"}


def _inspect_image(media: Media) -> Report:
    try:
        with media.open() as file, Image.open(file) as image:
            image.load()
            return Report(width=image.width, height=image.height, frames=1, video_codec=(image.format or "").lower())
    except Exception as error:  # Pillow raises many kinds on damaged files; each means the same here
        return Report(broken=f"not a readable picture: {error}")


def _inspect_clip(media: Media) -> Report:
    found: dict[str, Any] = {}
    sound = _Sound()
    try:
        # FFmpeg reads a file by its path faster than through Python.
        with media.open() as file, av.open(str(media.path) if media.whole else file, "r") as container:
            found.update(_claims(container))
            for frame in _decode_all(container, found):
                found["corrupt"] = found.get("corrupt", 0) + frame.is_corrupt
                if isinstance(frame, av.VideoFrame):
                    found["frames"] = found.get("frames", 0) + 1
                else:
                    sound.add(frame)
    except av.error.FFmpegError as error:
        found["broken"] = f"not a readable media file: {error.strerror}"
    return Report(**found, sound=sound.seconds, peak=sound.peak)


def _decode_all(
    container: av.container.InputContainer, found: dict[str, Any]
) -> Iterator[av.VideoFrame | av.AudioFrame]:
    """All frames of the first picture and first sound track; the first error is noted and ends its packet only."""
    streams = [*container.streams.video[:1], *container.streams.audio[:1]]
    for packet in container.demux(streams):
        try:
            yield from packet.decode()  # type: ignore[misc]  # only picture and sound packets are asked for
        except av.error.FFmpegError as error:
            found.setdefault("broken", f"{error.strerror} at {float((packet.pts or 0) * packet.time_base):.2f} s")


def _claims(container: av.container.InputContainer) -> dict[str, Any]:
    claims: dict[str, Any] = {}
    for video in container.streams.video[:1]:
        claims |= {"width": video.width, "height": video.height, "video_codec": video.codec_context.name}
        claims |= {"frames_claimed": video.frames or None, "frame_rate": float(video.average_rate or 0)}
    for audio in container.streams.audio[:1]:
        seconds = float(audio.duration * audio.time_base) if audio.duration and audio.time_base else None
        claims |= {"sound_claimed": seconds, "sample_rate": audio.rate, "audio_codec": audio.codec_context.name}
    return claims


class _Sound:
    """Length and peak of a sound track. A codec's frames are short, so many are looked at together."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._peak = 0.0
        self._planes: list[np.ndarray[Any, np.dtype[Any]]] = []

    def add(self, frame: av.AudioFrame) -> None:
        """The next decoded frame."""
        self.seconds += frame.samples / frame.sample_rate
        dtype = np.dtype(format_dtypes[frame.format.name])
        if self._planes and self._planes[0].dtype != dtype:
            self._look()
        count = frame.samples * (1 if frame.format.is_planar else len(frame.layout.channels))
        self._planes += [np.frombuffer(memoryview(plane), dtype, count) for plane in frame.planes]
        if len(self._planes) >= 512:
            self._look()

    @property
    def peak(self) -> float:
        """Largest absolute sample, in [0, 1]."""
        self._look()
        return round(min(self._peak, 1.0), 6)

    def _look(self) -> None:
        if not self._planes:
            return
        samples = np.concatenate(self._planes)
        self._planes = []
        middle = 128.0 if samples.dtype == np.uint8 else 0.0
        full_scale = 1.0 if samples.dtype.kind == "f" else float(np.iinfo(samples.dtype).max) - middle
        if samples.size:
            largest = max(float(samples.max()) - middle, middle - float(samples.min()))
            self._peak = max(self._peak, largest / full_scale)


class Preflight:
    """Inspects files in worker processes and remembers the reports by content digest.

    Parameters
    ----------
    workers: the processes that inspect.
    memory: JSON-lines file in which reports are kept between runs.
    """

    def __init__(self, workers: Workers, memory: Path) -> None:
        self._workers = workers
        self._memory = memory
        self._by_digest = dict(_read_memory(memory))
        self._reports: dict[Media, Report] = {}

    def missing(self, files: Iterable[Media]) -> list[Media]:
        """The files that neither this nor an earlier run has inspected."""
        return [media for media in dict.fromkeys(files) if self.report(media) is None]

    def run(self, files: Sequence[Media]) -> Iterator[tuple[Media, Report]]:
        """Inspect the files; yields each as it is done."""
        for media, outcome in zip(files, self._workers.map(inspect, files), strict=True):
            if isinstance(outcome, Fault):  # a crash or a time-out may be the machine's fault: not kept for later runs
                report = Report(broken=outcome.reason)
            else:
                report = outcome
                self._remember(media, report)
            self._reports[media] = report
            yield media, report

    def report(self, media: Media) -> Report | None:
        """The report on a file, None when it was never inspected."""
        return self._reports.get(media) or self._by_digest.get(media.digest)

    def _remember(self, media: Media, report: Report) -> None:
        if media.digest == NO_CONTENT:
            return
        line = json.dumps({"version": REPORT_VERSION, "sha256": media.digest, **asdict(report)})
        try:
            self._memory.parent.mkdir(parents=True, exist_ok=True)
            with self._memory.open("a") as file:
                file.write(f"\n{line}\n")  # the leading break parts it from a line that a kill left unfinished
        except OSError as error:
            raise RunError(
                f"{self._memory}: media reports cannot be kept: {error.strerror}; "
                "free some space or name another folder with --cache"
            ) from error


def _read_memory(path: Path) -> Iterator[tuple[str, Report]]:
    for _, fields in read_lines(path):
        if fields.pop("version", None) == REPORT_VERSION:
            yield fields.pop("sha256"), Report(**fields)
