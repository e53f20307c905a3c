"""Cutting a clip out of an original: decoded, cut to the frame and the sample, and encoded once."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.codec import Codec
from av.container import OutputContainer
from av.video.frame import PictureType
from numpy.typing import NDArray

from ....items import Media
from ....whole import whole
from ..config import Segment
from ..records import Record
from .hashes import FRAMES, SIDE, picture_hash, sound_hash
from .scan import Span
from .streams import UnusableError, choose_streams, decoded, open_original

APART = 2.0  # seconds; in a file, sound may stand this far from the picture that belongs to it
JITTER = 0.01  # seconds
LOST = 0.05  # share of the sound that may be lost where frames are joined
USUAL_RATE = 48_000  # Hz, for sound whose own rate AAC does not know
_TURNS = {90: "transpose=cclock", -90: "transpose=clock", 180: "hflip,vflip", -180: "hflip,vflip"}


class Cut(Record):
    """A clip that was written; see `records.Clip`."""

    size: tuple[int, int]
    phash: str
    sound_hash: str
    sha256: str


def cut_file(original: Path, span: Span, target: Path, settings: Segment) -> Cut:
    """Write a stretch of an original as H.264 and AAC in MP4, whole or not at all.

    Pictures stand upright with square pixels and keep their distances in time, sound keeps its rate and is brought to
    two channels at most. Raises `UnusableError` where it does not decode again, `RunError` for a full disk.
    """
    with whole(target, way_out="free some space") as part:
        try:
            return _cut(original, span, part, settings, seek=True)
        except UnusableError:  # files whose index leads astray are read from their beginning
            return _cut(original, span, part, settings, seek=False)


def _cut(original: Path, span: Span, part: Path, settings: Segment, *, seek: bool) -> Cut:
    with (
        open_original(original) as container,
        av.open(str(part), "w", format="mp4", options={"movflags": "+faststart"}) as output,
    ):
        picture, sound = choose_streams(container)
        pictures = _Pictures(output, picture, span, settings)
        heard = _Sound(output, sound, span, settings.sound_bitrate)
        if seek:
            with suppress(av.error.FFmpegError):  # it then reads on from where it stands, the beginning
                container.seek(max(0, span.first - round(APART / pictures.base)), stream=picture)
        for frame in decoded(container, picture, sound):
            if isinstance(frame, av.AudioFrame):
                heard.add(frame)
            else:
                pictures.add(frame)
            if pictures.past and (heard.past or float(frame.time or 0) > span.end + APART):
                break
        pictures.finish()
        heard.finish()
    return Cut(
        size=pictures.size,
        phash=picture_hash(np.stack(pictures.looks)),
        sound_hash=sound_hash(heard.mono, heard.rate),
        sha256=Media(part).digest,
    )


class _Pictures:
    """Takes frames of the original, and encodes those of the stretch as they come."""

    def __init__(self, output: OutputContainer, stream: av.VideoStream, span: Span, settings: Segment) -> None:
        self._output, self._stream, self._span, self._settings = output, stream, span, settings
        self.base = stream.time_base or Fraction(1, av.time_base)
        self._encoder = output.add_stream(
            "libx264", rate=stream.average_rate, options={"crf": str(settings.crf), "preset": settings.preset}
        )
        self._encoder.pix_fmt = "yuv420p"
        self._encoder.codec_context.time_base = self.base
        self._encoder.thread_count = 1  # several clips are cut side by side
        self._graph: av.filter.Graph | None = None
        self._form: tuple[int, int, str] | None = None
        self._wanted = [(2 * i + 1) * span.frames // (2 * FRAMES) for i in range(FRAMES)]
        self._count = 0
        self.past = False
        self.looks: list[NDArray[np.uint8]] = []

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the clip."""
        return self._encoder.width, self._encoder.height

    def add(self, frame: av.VideoFrame) -> None:
        """The next frame; those outside the stretch are passed over."""
        assert frame.pts is not None
        self.past = frame.pts >= self._span.after
        if self.past or frame.pts < self._span.first:
            return
        if self._graph is None:
            self._graph = self._upright(frame)
        if self._form != (frame.width, frame.height, frame.format.name):
            raise UnusableError(f"a changing picture: it is not {self._form} throughout")
        frame.pts -= self._span.first
        self._graph.vpush(frame)
        self._encode(self._graph.vpull())

    def _encode(self, frame: av.VideoFrame) -> None:
        if self._count == 0:
            context = self._encoder.codec_context
            context.color_range, context.colorspace = frame.color_range, frame.colorspace
            context.color_primaries, context.color_trc = frame.color_primaries, frame.color_trc
        if wanted := self._wanted.count(self._count):
            look = frame.reformat(SIDE, SIDE, "gray", interpolation="AREA").to_ndarray()
            self.looks += [np.asarray(look, np.uint8)] * wanted
        self._count += 1
        frame.pict_type = PictureType.NONE  # the encoder sets key frames of its own
        self._output.mux(self._encoder.encode(frame))

    def _upright(self, frame: av.VideoFrame) -> av.filter.Graph:
        """The filters that turn the picture upright, make its pixels square, its sides even and its height moderate."""
        self._form = frame.width, frame.height, frame.format.name
        turn = _TURNS.get(90 * round(frame.rotation / 90))
        stretched = frame.width * float(self._stream.sample_aspect_ratio or 1), float(frame.height)
        width, height = stretched[::-1] if turn and turn.startswith("transpose") else stretched
        scale = min(1.0, self._settings.height / height)
        self._encoder.width, self._encoder.height = _even(width * scale), _even(height * scale)
        filters = [
            *(turn.split(",") if turn else ()),
            f"scale={self._encoder.width}:{self._encoder.height}:flags=bicubic:out_range=tv",
            "setsar=1",
            "format=yuv420p",
        ]
        graph = av.filter.Graph()
        nodes = [
            graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=self.base),
            *(graph.add(*one.split("=", 1)) for one in filters),
            graph.add("buffersink"),
        ]
        graph.link_nodes(*nodes).configure()
        return graph

    def finish(self) -> None:
        """End the picture. Raises `UnusableError` when these are not the frames that were found before."""
        if self._count != self._span.frames:
            raise UnusableError(f"not the same twice: {self._count} of {self._span.frames} frames decode again")
        self._output.mux(self._encoder.encode())


class _Sound:
    """Takes frames of the original, and encodes those of the stretch at the end."""

    def __init__(self, output: OutputContainer, stream: av.AudioStream, span: Span, bitrate: int) -> None:
        self._output, self._span = output, span
        self.rate = stream.rate if stream.rate in (Codec("aac", "w").audio_rates or ()) else USUAL_RATE
        self._layout = "mono" if stream.channels == 1 else "stereo"
        self._encoder = output.add_stream("aac", rate=self.rate, layout=self._layout, bit_rate=bitrate)
        self._mixer = av.AudioResampler(format="fltp", layout=self._layout, rate=self.rate)
        length = round((span.end - span.start) * self.rate)
        self._samples = np.zeros((1 if self._layout == "mono" else 2, length), np.float32)
        self._next = 0
        self._filled = 0
        self.past = False

    @property
    def mono(self) -> NDArray[np.float32]:
        """The sound of the stretch, float32 `(samples,)`."""
        return self._samples.mean(axis=0)

    def add(self, frame: av.AudioFrame) -> None:
        """The next frame; what lies outside the stretch is passed over."""
        try:
            for block in self._mixer.resample(frame):
                self._place(block)
        except ValueError as error:
            raise UnusableError("a changing sound: its rate or channels do not stay the same") from error

    def _place(self, block: av.AudioFrame) -> None:
        place = round((float(block.time or 0) - self._span.start) * self.rate)
        if abs(place - self._next) <= JITTER * self.rate:  # containers round times, which would be heard
            place = self._next
        self._next = place + block.samples
        self.past = place >= self._samples.shape[1]
        first, after = max(place, 0), min(self._next, self._samples.shape[1])
        if first < after:
            self._samples[:, first:after] = block.to_ndarray()[:, first - place : after - place]
            self._filled += after - first

    def finish(self) -> None:
        """Encode the sound. Raises `UnusableError` when there is less of it than was found before."""
        share = self._filled / self._samples.shape[1]
        if share < self._span.sound - LOST:
            raise UnusableError(f"not the same twice: {share:.0%} of the sound decodes again")
        frame = av.AudioFrame.from_ndarray(self._samples, format="fltp", layout=self._layout)
        frame.sample_rate, frame.pts = self.rate, 0
        self._output.mux(self._encoder.encode(frame))
        self._output.mux(self._encoder.encode())


def _even(length: float) -> int:
    """The nearest even number: H.264 halves the resolution of colours."""
    return max(2, 2 * round(length / 2))
