"""endpoint: captions by any server that speaks OpenAI's chat completions and takes sound."""

from __future__ import annotations

import base64
import io
import math
import os
import time
import wave
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError, RunError
from ..base import Options
from ..choices import whole_number
from .base import Sound
from .prompts import PROMPT, TOKENS

if TYPE_CHECKING:
    import httpx

KEY = "OPENAI_API_KEY"
ATTEMPTS = 6
LONGEST_PAUSE = 60.0  # seconds
SECONDS = 120.0  # for one answer
PARALLEL = 4
BUSY = (408, 409, 429, 500, 502, 503, 504)


class EndpointCaptions:
    """Captions by a model behind an address, several requests at a time; temperature 0 and a fixed seed.

    The key is read from the environment variable OPENAI_API_KEY, sent to the server and shown nowhere. A busy server
    is asked again, after pauses that double or that it asks for. Choices: `caption_prompt` and `caption_tokens`.

    Parameters
    ----------
    reference: MODEL@ADDRESS, such as "qwen2-audio@http://localhost:8000/v1".
    pause: waits so many seconds.
    """

    revision, rate, parameters = "1", 16_000, 0

    def __init__(self, options: Options, reference: str, pause: Callable[[float], object] = time.sleep) -> None:
        self._model, _, address = reference.partition("@")
        parts = urlsplit(address)
        if not self._model or parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError("endpoint needs MODEL@ADDRESS, such as qwen2-audio@http://localhost:8000/v1")
        if parts.username or parts.password or parts.query:
            raise InputError(f"endpoint: leave keys and passwords out of the address; put the key into {KEY}")
        self._address = address.rstrip("/") + "/chat/completions"
        self.name = f"endpoint:{reference}"
        self.family = "qwen" if "qwen" in self._model.lower() else ""
        self.settings: Mapping[str, Any] = {
            "caption_prompt": options.choices.get("caption_prompt", PROMPT),
            "caption_tokens": whole_number(options, "caption_tokens", TOKENS),
            "decoding": "temperature 0",
        }
        self._pause = pause
        self._meter = options.meter

    @cached_property
    def _client(self) -> httpx.Client:
        import httpx

        key = os.environ.get(KEY)
        return httpx.Client(timeout=SECONDS, headers={"Authorization": f"Bearer {key}"} if key else {})

    def caption(self, sounds: Sequence[Sound]) -> list[str]:
        """The server's caption of each sound. Raises `RunError` when it refuses or does not answer."""
        self._meter.add_flops(math.nan)  # they are the server's
        with ThreadPoolExecutor(PARALLEL) as pool:
            return list(pool.map(self._caption, sounds))

    def _caption(self, sound: Sound) -> str:
        audio = {"data": base64.b64encode(wav(sound.samples, self.rate)).decode(), "format": "wav"}
        said = [
            {"type": "input_audio", "input_audio": audio},
            {"type": "text", "text": self.settings["caption_prompt"]},
        ]
        answer = self._ask(
            {
                "model": self._model,
                "messages": [{"role": "user", "content": said}],
                "max_tokens": self.settings["caption_tokens"],
                "temperature": 0,
                "seed": 0,
            }
        )
        try:
            text = answer.json()["choices"][0]["message"]["content"]
            assert isinstance(text, str)
        except (ValueError, LookupError, TypeError, AssertionError) as error:
            raise RunError(f"{self._address}: the answer for {sound.media} holds no text") from error
        return text.strip()

    def _ask(self, body: Mapping[str, Any]) -> httpx.Response:
        """The server's answer; a busy or unreachable one is asked again."""
        import httpx

        for attempt in range(ATTEMPTS):
            wait = 2.0**attempt
            try:
                answer = self._client.post(self._address, json=body)
            except httpx.TransportError as error:
                trouble = f"does not answer ({type(error).__name__})"
            else:
                if answer.is_success:
                    return answer
                trouble = _refusal(answer)
                if answer.status_code not in BUSY:
                    break
                wait = _asked_pause(answer, wait)
            if attempt + 1 < ATTEMPTS:
                self._pause(min(wait, LONGEST_PAUSE))
        raise RunError(f"{self._address}: the server {trouble}; captions written before are kept")


def _refusal(answer: httpx.Response) -> str:
    """What a server said instead of a caption. Its words on a key are left out: some repeat the key."""
    if answer.status_code in (401, 403):
        return f"refuses the key ({answer.status_code}); set {KEY} to one that it takes"
    try:
        said = str(answer.json()["error"]["message"])
    except (ValueError, LookupError, TypeError):
        said = answer.reason_phrase
    key = os.environ.get(KEY)
    return f"answers {answer.status_code}: {(said.replace(key, '…') if key else said)[:300]}"


def _asked_pause(answer: httpx.Response, otherwise: float) -> float:
    """Seconds that a busy server asks one to wait."""
    try:
        return max(0.0, float(answer.headers["retry-after"]))
    except (KeyError, ValueError):
        return otherwise


def wav(samples: NDArray[np.float32], rate: int) -> bytes:
    """A WAV file, 16 bits, of mono sound float32 `(n,)` in [-1, 1]."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples.clip(-1, 1) * 32767).round().astype("<i2").tobytes())
    return out.getvalue()
