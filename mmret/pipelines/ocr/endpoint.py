"""endpoint: pictures to HTML by a vision-language model at any server that speaks OpenAI's chat completions."""

from __future__ import annotations

import base64
import os
import re
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from PIL import Image

from ...encoders.captioners.endpoint import BUSY, KEY
from ...errors import InputError
from ...tables import Table
from .base import Page

if TYPE_CHECKING:
    import httpx

PROMPT = Path(__file__).with_name("prompt.txt")
TOKENS = 8192  # of an answer
SECONDS = 300.0  # for one answer
PAUSES = (1.0, 4.0, 16.0)  # seconds before a busy server is asked again, unless it names its own
LONGEST_PAUSE = 60.0
_TABLE = re.compile(r"<table\b.*</table\s*>|<table\b.*", re.DOTALL | re.IGNORECASE)  # the second: an answer cut short


class EndpointHtml:
    """The table in HTML as a model behind an address writes it, at temperature 0 and with a fixed seed.

    The prompt is `prompt.txt` beside this module. The key is read from the environment variable OPENAI_API_KEY, sent
    to the server and shown nowhere.

    Parameters
    ----------
    reference: MODEL@ADDRESS, such as "Qwen/Qwen2.5-VL-7B-Instruct@http://localhost:8000/v1".
    pause: waits so many seconds.
    """

    version = "1"

    def __init__(self, reference: str, pause: Callable[[float], object] = time.sleep) -> None:
        self._model, _, address = reference.rpartition("@")
        parts = urlsplit(address)
        if not self._model or parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError("engine endpoint needs MODEL@ADDRESS, such as qwen2.5-vl-7b@http://localhost:8000/v1")
        if parts.username or parts.password or parts.query:
            raise InputError(f"endpoint: leave keys and passwords out of the address; put the key into {KEY}")
        self._address = address.rstrip("/") + "/chat/completions"
        self._pause = pause
        self.name = f"endpoint:{reference}"
        self.settings: Mapping[str, Any] = {
            "prompt": PROMPT.read_text(encoding="utf-8"),
            "tokens": TOKENS,
            "decoding": "temperature 0",
        }

    def load(self) -> None:
        """Nothing: the model is elsewhere."""

    @cached_property
    def _client(self) -> httpx.Client:
        import httpx

        key = os.environ.get(KEY)
        return httpx.Client(timeout=SECONDS, headers={"Authorization": f"Bearer {key}"} if key else {})

    def read(self, picture: Path) -> Page:
        """The table as the server writes it. Raises `ValueError` when it refuses or answers without a table."""
        with Image.open(picture) as image:
            image.load()  # a damaged picture is not sent
            kind, width, height = Image.MIME.get(image.format or "", "image/png"), image.width, image.height
        address = f"data:{kind};base64,{base64.b64encode(picture.read_bytes()).decode()}"
        said = [
            {"type": "image_url", "image_url": {"url": address}},
            {"type": "text", "text": self.settings["prompt"]},
        ]
        messages = [{"role": "user", "content": said}]
        answer = self._ask(
            {"model": self._model, "messages": messages, "max_tokens": TOKENS, "temperature": 0, "seed": 0}
        )
        try:
            choice = answer.json()["choices"][0]
            found = _TABLE.search(choice["message"]["content"])
        except (ValueError, LookupError, TypeError) as error:
            raise ValueError("the server's answer holds no text") from error
        if found is None:
            raise ValueError("the server's answer holds no table")
        Table.from_html(found[0])  # raises for markup that nobody could read later
        return Page(width, height, html=found[0], cut=choice.get("finish_reason") == "length")

    def _ask(self, body: Mapping[str, Any]) -> httpx.Response:
        """The server's answer; a busy or unreachable one is asked again. Its words are left out: some repeat keys."""
        import httpx

        for wait in (*PAUSES, None):
            asked = None
            try:
                answer = self._client.post(self._address, json=body)
            except httpx.TransportError as error:
                trouble = f"does not answer ({type(error).__name__})"
            else:
                if answer.is_success:
                    return answer
                trouble = f"answers {answer.status_code} {answer.reason_phrase}"
                if answer.status_code not in BUSY:
                    break
                asked = answer.headers.get("retry-after", "")
            if wait is not None:
                self._pause(min(float(asked) if asked and asked.isdecimal() else wait, LONGEST_PAUSE))
        raise ValueError(f"{self._address}: the server {trouble}")
