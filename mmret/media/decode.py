"""One media file to arrays, in one visit: frames by decord or PyAV, sound by PyAV, pictures by Pillow."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Literal

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import InputError
from ..items import Media

Reader = Literal["decord", "pyav"]


@dataclass(frozen=True)
class ClipRequest:
    """What an encoder needs of each clip.

    Parameters
    ----------
    frames: number of frames spread over the clip; 0 for none.
    sound: whether the sound track is decoded.
    sampling: name of the rule that picks the frames, a key of `SAMPLINGS`.
    reader: the library that decodes the frames.
    """

    frames: int = 8
    sound: bool = True
    sampling: str = "centres"
    reader: Reader = "decord"

    def __post_init__(self) -> None:
        if self.frames < 0:
            raise InputError(f"the number of frames must be 0 or more, not {self.frames}")
        if self.sampling not in SAMPLINGS:
            raise InputError(f"unknown frame sampling {self.sampling!r}; known: {', '.join(SAMPLINGS)}")


@dataclass(frozen=True)
class Clip:
    """A decoded file: frames uint8 RGB `(n, height, width, 3)`, and mono sound float32 `(samples,)` at `rate` Hz.

    `seconds` is the wall time that decoding took.
    """

    frames: NDArray[np.uint8] | None
    sound: NDArray[np.float32] | None
    rate: int
    seconds: float = 0.0

    @property
    def nbytes(self) -> int:
        """Size in memory in bytes."""
        return sum(part.nbytes for part in (self.frames, self.sound) if part is not None)


def centres(total: int, count: int) -> NDArray[np.int64]:
    """The frame in the middle of each of `count` equal stretches of the clip: no part of it is favoured."""
    return ((np.arange(count) + 0.5) * total / count).astype(np.int64)


def ends(total: int, count: int) -> NDArray[np.int64]:
    """`count` frames at equal distances, the first and the last frame of the clip among them."""
    return np.linspace(0, total - 1, count).round().astype(np.int64)


def vlm2vec(total: int, count: int) -> NDArray[np.int64]:
    """VLM2Vec's rule: of at most 64 frames kept of the clip, `count` at equal distances, or all if there are fewer."""
    kept = np.arange(64) * total // 64 if total > 64 else np.arange(total)
    return kept if len(kept) <= count else kept[np.linspace(0, len(kept) - 1, count, dtype=np.int64)]


SAMPLINGS: dict[str, Callable[[int, int], NDArray[np.int64]]] = {"centres": centres, "ends": ends, "vlm2vec": vlm2vec}


def decode(media: Media, request: ClipRequest) -> Clip:
    """Decode what `request` names. Raises whatever the decoding library raises on a damaged file."""
    started = time.perf_counter()
    frames = _READERS[request.reader](media, request) if request.frames else None
    sound, rate = read_sound(media) if request.sound else (None, 0)
    return Clip(frames, sound, rate, time.perf_counter() - started)


def decode_image(media: Media) -> Clip:
    """A picture as a clip of one frame, on white where it is transparent."""
    started = time.perf_counter()
    with media.open() as file, Image.open(file) as image:
        frame = np.asarray(on_white(image))[None]
    return Clip(frame, None, 0, time.perf_counter() - started)


def on_white(image: Image.Image) -> Image.Image:
    """The image in RGB, on white where it is transparent."""
    if image.mode.startswith("I;16"):  # of which Pillow would make everything white that is not nearly black
        image = Image.fromarray((np.asarray(image) // 256).astype(np.uint8))
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")


def _frames_by_decord(media: Media, request: ClipRequest) -> NDArray[np.uint8]:
    import decord

    with media.open() as file:
        source = str(media.path) if media.whole else file
        reader = decord.VideoReader(source, ctx=decord.cpu(0), num_threads=1)
        picked = SAMPLINGS[request.sampling](len(reader), request.frames)
        frames: NDArray[np.uint8] = reader.get_batch(picked.tolist()).asnumpy()
        return frames


def _frames_by_pyav(media: Media, request: ClipRequest) -> NDArray[np.uint8]:
    with media.open() as file:
        picked = SAMPLINGS[request.sampling](_count_frames(file), request.frames)
        file.seek(0)
        wanted = dict.fromkeys(picked.tolist())
        found: dict[int, NDArray[np.uint8]] = {}
        with av.open(file, "r") as container:
            for number, frame in enumerate(container.decode(video=0)):
                if number in wanted:
                    found[number] = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
                if len(found) == len(wanted):
                    break
    if len(found) < len(wanted):
        raise ValueError(f"only {len(found)} of the {len(wanted)} wanted frames decode")
    return np.stack([found[number] for number in picked.tolist()])


_READERS: dict[str, Callable[[Media, ClipRequest], NDArray[np.uint8]]] = {
    "decord": _frames_by_decord,
    "pyav": _frames_by_pyav,
}


def _count_frames(file: BinaryIO) -> int:
    """Frames in the first video stream, counted by its packets: the container's own figure may be missing or wrong."""
    with av.open(file, "r") as container:
        return sum(packet.size > 0 for packet in container.demux(video=0))


def read_sound(media: Media) -> tuple[NDArray[np.float32] | None, int]:
    """The first sound track mixed down to mono, float32 `(samples,)`, and its rate in Hz; `(None, 0)` without one."""
    with media.open() as file, av.open(file, "r") as container:
        if not container.streams.audio:
            return None, 0
        stream = container.streams.audio[0]
        rate = int(stream.rate)
        mixer = av.AudioResampler(format="fltp", layout="mono", rate=rate)
        blocks = [block.to_ndarray()[0] for frame in container.decode(stream) for block in mixer.resample(frame)]
        blocks += [block.to_ndarray()[0] for block in mixer.resample(None)]
    return (np.concatenate(blocks) if blocks else np.zeros(0, np.float32)), rate
