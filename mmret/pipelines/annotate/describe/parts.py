"""What is sent of a clip: frames as pictures and the sound, nothing else. No name, no place, no time of recording."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ....encoders.captioners.endpoint import wav
from ....items import Media, text_digest
from ....media import ClipRequest, decode, resample
from ..config import Describe
from ..llm import PendingError
from ..records import Clip

RATE = 16_000  # Hz
QUALITY = 90  # of JPEG


def digest(clip: Clip, settings: Describe) -> str:
    """Digest of what `parts` makes of a clip."""
    how = [clip.sha256, settings.frames, settings.side, settings.sound, RATE, QUALITY]
    return text_digest(json.dumps(how))


def frames_and_sound(path: Path, settings: Describe) -> tuple[list[Image.Image], NDArray[np.float32] | None]:
    """Frames of a clip, scaled down to `side`, and its mono sound float32 `(samples,)` at 16 kHz, None without.

    Raises `PendingError` for a clip that cannot be read.
    """
    try:
        clip = decode(Media(path), ClipRequest(settings.frames, settings.sound))
    except Exception as error:  # each decoder has errors of its own
        raise PendingError(f"the clip cannot be read: {' '.join(str(error).split())}") from error
    frames = [Image.fromarray(frame) for frame in clip.frames] if clip.frames is not None else []
    for frame in frames:
        frame.thumbnail((settings.side, settings.side), Image.Resampling.LANCZOS)
    sound = None if clip.sound is None or not clip.sound.size else resample(clip.sound, clip.rate, RATE)
    return frames, sound


def parts(path: Path, settings: Describe) -> list[dict[str, Any]]:
    """A clip as chat completions have it: its frames in their order, then its sound."""
    frames, sound = frames_and_sound(path, settings)
    sent: list[dict[str, Any]] = []
    for frame in frames:
        file = io.BytesIO()
        frame.save(file, "JPEG", quality=QUALITY)
        sent.append({"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{_base64(file.getvalue())}"}})
    if sound is not None:
        sent.append({"type": "input_audio", "input_audio": {"data": _base64(wav(sound, RATE)), "format": "wav"}})
    return sent


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
