"""The picture and the sound of an original: which of its streams they are, and decoding them side by side."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.stream import Disposition
from numpy.typing import NDArray


class UnusableError(Exception):
    """Why an original or a stretch of one cannot be used, in words; what is counted together before a colon."""


def open_original(path: Path) -> InputContainer:
    """Open an original for reading. It may name no other file or address, as playlists do.

    Raises `UnusableError` for what is no media file.
    """
    try:
        return av.open(str(path.resolve()), "r", options={"protocol_whitelist": "file"})
    except (av.error.FFmpegError, OSError) as error:
        raise UnusableError(f"not a readable media file: {error.strerror}") from error


def choose_streams(container: InputContainer) -> tuple[av.VideoStream, av.AudioStream]:
    """The picture that is no cover and the sound that a player would choose first.

    Raises `UnusableError` where either is lacking.
    """
    pictures = [one for one in container.streams.video if not one.disposition & Disposition.attached_pic]
    if not pictures:
        raise UnusableError("no moving picture")
    sound = container.streams.best("audio")
    if not isinstance(sound, av.AudioStream):
        raise UnusableError("no sound track")
    picture = next((one for one in pictures if one.disposition & Disposition.default), pictures[0])
    picture.thread_type = "AUTO"
    return picture, sound


def decoded(
    container: InputContainer, picture: av.VideoStream, sound: av.AudioStream
) -> Iterator[av.VideoFrame | av.AudioFrame]:
    """All frames of the two streams, as they come in the file.

    Raises `UnusableError` for one that does not decode or has no time.
    """
    try:
        for packet in container.demux(picture, sound):
            for frame in packet.decode():
                if not isinstance(frame, av.VideoFrame | av.AudioFrame):
                    continue
                if frame.is_corrupt:
                    raise UnusableError(f"damaged: a frame decodes with errors at {_time(frame)}")
                if frame.pts is None or frame.time_base is None:
                    raise UnusableError("without times: a frame does not say when it is shown")
                yield frame
    except av.error.FFmpegError as error:
        raise UnusableError(f"damaged: {error.strerror}") from error


def samples_of(frame: av.AudioFrame) -> NDArray[np.floating[Any]]:
    """The samples in [-1, 1], channels planar or interleaved as they are."""
    samples: NDArray[Any] = frame.to_ndarray()
    if samples.dtype.kind == "f":
        return samples
    full_scale = 2.0 ** (8 * samples.dtype.itemsize - 1)
    return (samples - (full_scale if samples.dtype.kind == "u" else 0.0)) / full_scale


def _time(frame: av.VideoFrame | av.AudioFrame) -> str:
    return "an unknown time" if frame.time is None else f"{frame.time:.2f} s"
