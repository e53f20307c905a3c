"""endpoint: captions by any server that speaks OpenAI's chat completions and takes sound."""

from __future__ import annotations

import base64
import io
import math
import time
import wave
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...chat import Chat, user
from ...errors import RunError
from ..base import Options
from ..choices import whole_number
from .base import Sound
from .prompts import PROMPT, TOKENS

PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0)  # seconds before a busy server is asked again, unless it names its own
SECONDS = 120.0  # for one answer
PARALLEL = 4


class EndpointCaptions:
    """Captions by a model behind an address (see `Chat`), several requests at a time.

    Choices: `caption_prompt` and `caption_tokens`.

    Parameters
    ----------
    reference: MODEL@ADDRESS, such as "qwen2-audio@http://localhost:8000/v1".
    pause: waits so many seconds.
    """

    revision, rate, parameters = "1", 16_000, 0

    def __init__(self, options: Options, reference: str, pause: Callable[[float], object] = time.sleep) -> None:
        self._chat = Chat(reference, SECONDS, PAUSES, pause)
        self.name = f"endpoint:{reference}"
        self.family = "qwen" if "qwen" in self._chat.model.lower() else ""
        self.settings: Mapping[str, Any] = {
            "caption_prompt": options.choices.get("caption_prompt", PROMPT),
            "caption_tokens": whole_number(options, "caption_tokens", TOKENS),
            "decoding": "temperature 0",
        }
        self._meter = options.meter

    def caption(self, sounds: Sequence[Sound]) -> list[str]:
        """The server's caption of each sound. Raises `RunError` when it refuses or does not answer."""
        self._meter.add_flops(math.nan)  # they are the server's
        with ThreadPoolExecutor(PARALLEL) as pool:
            return list(pool.map(self._caption, sounds))

    def _caption(self, sound: Sound) -> str:
        audio = {"data": base64.b64encode(wav(sound.samples, self.rate)).decode(), "format": "wav"}
        question = user({"type": "input_audio", "input_audio": audio}, self.settings["caption_prompt"])
        try:
            return self._chat.ask([question], self.settings["caption_tokens"]).text.strip()
        except RunError as error:
            raise RunError(f"{sound.media}: {error}; captions written before are kept") from error


def wav(samples: NDArray[np.float32], rate: int) -> bytes:
    """A WAV file, 16 bits, of mono sound float32 `(n,)` in [-1, 1]."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples.clip(-1, 1) * 32767).round().astype("<i2").tobytes())
    return out.getvalue()
