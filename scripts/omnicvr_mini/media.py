"""Encodes each picture and each sound once, and joins them into clips by copying packets."""

from __future__ import annotations

import bisect
import hashlib
import io
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from PIL import Image

from omnicvr_mini.sounds import RATE, Samples

# Without these the muxer writes its own name and version into every file.
BITEXACT = {"fflags": "+bitexact"}
CRF_RANGE = range(20, 46)


def encode_picture(frames: list[Image.Image], fps: int, key_every: int, max_bytes: int) -> bytes:
    """H.264 in MP4 at the best quality whose file is not larger than ``max_bytes``."""
    # Sizes fall as the number rises, so the first that fits is found by halving.
    crf = bisect.bisect_left(CRF_RANGE, True, key=lambda crf: len(encode_at(frames, fps, key_every, crf)) <= max_bytes)
    if crf == len(CRF_RANGE):
        raise ValueError(f"no quality brings the picture below {max_bytes} bytes")
    return encode_at(frames, fps, key_every, CRF_RANGE[crf])


def encode_at(frames: list[Image.Image], fps: int, key_every: int, crf: int) -> bytes:
    """H.264 at one quality; one thread, so that the bytes do not depend on the machine's number of cores."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4", container_options=BITEXACT) as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.width, stream.height = frames[0].size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        stream.codec_context.time_base = Fraction(1, fps)
        stream.codec_context.flags |= av.codec.context.Flags.bitexact
        stream.options = {
            "preset": "veryslow",
            "crf": str(crf),
            "g": str(key_every),
            # Without mbtree: that part of this x264 gives other results from one run to the next.
            "x264-params": "threads=1:scenecut=0:mbtree=0",
        }
        # x264 writes its settings into the first packet as text; they are of no use to anyone here.
        cleaner = None
        for frame in [*map(av.VideoFrame.from_image, frames), None]:
            for packet in stream.encode(frame):
                if cleaner is None:
                    cleaner = av.BitStreamFilterContext("filter_units=remove_types=6", stream)
                container.mux(cleaner.filter(packet))
        if cleaner is not None:
            container.mux(cleaner.filter(None))
    return buffer.getvalue()


def encode_sound(samples: Samples, bit_rate: int) -> bytes:
    """AAC, mono, in MP4."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4", container_options=BITEXACT) as container:
        stream = container.add_stream("aac", rate=RATE, layout="mono")
        stream.bit_rate = bit_rate
        stream.codec_context.flags |= av.codec.context.Flags.bitexact
        frame = av.AudioFrame.from_ndarray(samples.astype(np.float32)[None, :], format="fltp", layout="mono")
        frame.sample_rate = RATE
        frame.pts = 0
        for part in (frame, None):
            container.mux(stream.encode(part))
    return buffer.getvalue()


def join(picture: bytes, sound: bytes, path: Path) -> None:
    """Write a clip whose packets are copies of those of the picture and of the sound."""
    options = {**BITEXACT, "movflags": "+faststart"}
    with (
        av.open(io.BytesIO(picture)) as video,
        av.open(io.BytesIO(sound)) as audio,
        av.open(str(path), "w", format="mp4", container_options=options) as clip,
    ):
        packets: list[tuple[Fraction, av.Packet[Any]]] = []
        for container in (video, audio):
            assert isinstance(container, InputContainer)
            target = clip.add_stream_from_template(container.streams[0])
            for packet in container.demux():
                if packet.dts is not None and packet.time_base is not None:
                    packets.append((packet.dts * packet.time_base, packet))
                    packet.stream = target
        for _, packet in sorted(packets, key=lambda timed: timed[0]):
            clip.mux(packet)


def packet_digests(path: Path) -> tuple[str, str]:
    """Digest of the video packets and of the audio packets of a clip, time stamps included."""
    digests = {"video": hashlib.sha256(), "audio": hashlib.sha256()}
    with av.open(str(path)) as container:
        for packet in container.demux():
            if packet.dts is not None and packet.pts is not None:
                digest = digests[packet.stream.type]
                digest.update(f"{packet.pts} {packet.dts} {packet.time_base} {packet.size};".encode())
                digest.update(bytes(packet))
    return digests["video"].hexdigest(), digests["audio"].hexdigest()
