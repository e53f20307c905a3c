"""Media small enough to travel inside a page: small pictures, and the first seconds of clips and sounds, re-encoded."""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..items import Item, Media, Modality
from .decode import on_white
from .workers import Fault, Workers

SECONDS = 3.0  # of a clip or sound that play
PACE = 10  # frames of a clip a second
# Width and height that a frame, and a picture such as one of a table, may have.
FRAME, SHEET = (256, 256), (900, 2000)
RATE = 48_000  # samples a second, as Opus has them
BARS = 64  # of a waveform
# Quick rather than small: a tenth of a second for a clip, most of it pictures.
VP9 = {"deadline": "realtime", "cpu-used": "8", "crf": "40", "b": "0"}
OPUS = {"compression_level": "5"}


@dataclass(frozen=True)
class Want:
    """A media file that a page shows: as what, and whether its first seconds can be played."""

    media: Media
    kind: Modality
    play: bool = False

    @classmethod
    def of(cls, item: Item, *, play: bool = False) -> list[Want]:
        """What an item has to show: its picture, its clip, and its sound unless that is the clip's own."""
        kinds: tuple[Modality, ...] = ("audio", "video", "image")
        found = {media: kind for kind in kinds if (media := getattr(item, kind)) is not None}
        return [cls(media, found[media], play and found[media] != "image") for media in item.media]


@dataclass(frozen=True)
class Excerpt:
    """What a page shows of one media file; data URIs, "" for what there is none of.

    Parameters
    ----------
    picture: WebP of the picture, or of the key frame before the middle of a clip.
    size: width and height of the picture in pixels.
    clip: the first `SECONDS`, as WebM with VP9 and Opus, which every current browser plays.
    seconds: length of the whole file; 0 for a picture.
    wave: loudest sample in each of `BARS` equal parts of the clip's sound, 0 … 1; empty where there is no sound.
    """

    picture: str = ""
    size: tuple[int, int] = (0, 0)
    clip: str = ""
    seconds: float = 0.0
    wave: tuple[float, ...] = ()


def excerpt(want: Want) -> Excerpt:
    """Make the excerpt of one file. Raises whatever the decoding library raises on a damaged one."""
    with want.media.open() as file:
        if want.kind == "image":
            with Image.open(file) as image:
                return _pictured(on_white(image), SHEET)
        with av.open(file, "r") as container:
            if not (container.streams.audio if want.kind == "audio" else container.streams.video):
                raise ValueError("no sound track" if want.kind == "audio" else "no picture track")
            for stream in container.streams.video:  # blocks that it would smooth are gone when the picture is small
                stream.codec_context.options = {"skip_loop_filter": "all"}
            shown = Excerpt() if want.kind == "audio" else _pictured(_middle(container), FRAME)
            shown = replace(shown, seconds=(container.duration or 0) / av.time_base)
            if not want.play:
                return shown
            clip, sound = _beginning(container, want.kind)
    return replace(shown, clip=_data_uri(f"{want.kind}/webm", clip), wave=_wave(sound))


def gather(wants: Sequence[Want], workers: Workers, budget: int) -> dict[Want, Excerpt | Fault]:
    """Excerpts of all that is wanted, or why there is none, made in child processes.

    Parameters
    ----------
    wants: one for each place where it is shown, the most important first.
    budget: bytes of data URIs in all; where they do not suffice, clips are left out first, then pictures.
    """
    uses = Counter(wants)
    made: dict[Want, Excerpt | Fault] = dict(zip(uses, workers.map(excerpt, uses), strict=True))
    shown = {want: one for want, one in made.items() if isinstance(one, Excerpt)}
    pictures, left = _affordable({want: uses[want] * len(one.picture) for want, one in shown.items()}, budget)
    clips, _ = _affordable({want: uses[want] * len(one.clip) for want, one in shown.items()}, left)
    for want, one in shown.items():
        picture, clip = one.picture if want in pictures else "", one.clip if want in clips else ""
        made[want] = replace(one, picture=picture, clip=clip)
    return made


def _affordable(sizes: Mapping[Want, int], budget: int) -> tuple[set[Want], int]:
    """Those for which there is still room when their turn comes, and the room that is left."""
    found = set()
    for want, size in sizes.items():
        if size <= budget:
            found.add(want)
            budget -= size
    return found, budget


def _middle(container: av.container.InputContainer) -> Image.Image:
    """The key frame before the middle: found without decoding what lies before it."""
    container.seek((container.start_time or 0) + (container.duration or 0) // 2)
    for frame in container.decode(video=0):
        return Image.fromarray(frame.to_ndarray(format="rgb24"))
    raise ValueError("no frame decodes")


def _pictured(image: Image.Image, most: tuple[int, int]) -> Excerpt:
    image.thumbnail(most)
    file = io.BytesIO()
    image.save(file, "WEBP", quality=70)
    return Excerpt(_data_uri("image/webp", file.getvalue()), image.size)


def _data_uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _beginning(container: av.container.InputContainer, kind: Modality) -> tuple[bytes, NDArray[np.float32]]:
    """The first seconds as WebM, and their sound, mono float32 `(samples,)` at `RATE`."""
    start = (container.start_time or 0) / av.time_base
    frames = _frames(container, start) if kind == "video" else []
    sound = _sound(container, start) if container.streams.audio else np.zeros(0, np.float32)
    made = io.BytesIO()
    with av.open(made, "w", format="webm", options={"fflags": "bitexact"}) as target:  # no date, no random number
        # All streams are made before the first packet, with which the header is written.
        film = target.add_stream("libvpx-vp9", PACE, VP9) if frames else None
        track = target.add_stream("libopus", RATE, OPUS, layout="mono", bit_rate=32_000) if len(sound) else None
        if film is not None:
            film.width, film.height, film.pix_fmt = frames[0].width, frames[0].height, "yuv420p"
            target.mux([packet for frame in [*frames, None] for packet in film.encode(frame)])
        if track is not None:
            block = av.AudioFrame.from_ndarray(sound[None], "flt", "mono")
            block.sample_rate = RATE
            target.mux([packet for part in (block, None) for packet in track.encode(part)])
    return made.getvalue(), sound


def _frames(container: av.container.InputContainer, start: float) -> list[av.VideoFrame]:
    """Frames of the first seconds, made small, at most `PACE` a second; `start` is when the clip begins."""
    container.seek(0)
    frames: list[av.VideoFrame] = []
    for frame in container.decode(video=0):
        tick = round((float(frame.time or 0) - start) * PACE)
        if tick >= SECONDS * PACE:
            break
        if not frames or tick > (frames[-1].pts or 0):
            scale = min(1.0, FRAME[0] / frame.width, FRAME[1] / frame.height)
            width, height = (max(2, round(side * scale / 2) * 2) for side in (frame.width, frame.height))
            small = frame.reformat(width, height, "yuv420p", interpolation="AREA")
            small.pts, small.time_base = tick, Fraction(1, PACE)
            frames.append(small)
    return frames


def _sound(container: av.container.InputContainer, start: float) -> NDArray[np.float32]:
    """Sound of the first seconds; what begins after the picture is led in by silence."""
    container.seek(0)
    mixer = av.AudioResampler("flt", "mono", RATE)
    blocks: list[NDArray[np.float32]] = []
    begins = 0
    for frame in container.decode(audio=0):
        if not blocks:
            begins = max(0, round((float(frame.time or 0) - start) * RATE))
            blocks.append(np.zeros(begins, np.float32))
        blocks += [np.asarray(block.to_ndarray()[0], np.float32) for block in mixer.resample(frame)]
        if sum(map(len, blocks)) >= SECONDS * RATE:
            break
    return np.concatenate(blocks)[: int(SECONDS * RATE)] if blocks else np.zeros(0, np.float32)


def _wave(sound: NDArray[np.float32]) -> tuple[float, ...]:
    """The loudest sample of each part, in [0, 1]."""
    if not len(sound):
        return ()
    parts = np.array_split(np.abs(sound), BARS)
    return tuple(round(min(1.0, float(part.max(initial=0.0))), 3) for part in parts)
