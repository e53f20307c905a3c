"""endpoint: pictures to HTML by a vision-language model at any server that speaks OpenAI's chat completions."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from ...chat import Chat, RefusalError, user
from ...tables import Table
from .base import Page

PROMPT = Path(__file__).with_name("prompt.txt")
TOKENS = 8192  # of an answer
SECONDS = 300.0  # for one answer
PAUSES = (1.0, 4.0, 16.0)  # seconds before a busy server is asked again, unless it names its own
_TABLE = re.compile(r"<table\b.*</table\s*>|<table\b.*", re.DOTALL | re.IGNORECASE)  # the second: an answer cut short


class EndpointHtml:
    """The table in HTML as a model behind an address (see `Chat`) writes it. The prompt is `prompt.txt` beside this.

    Parameters
    ----------
    reference: MODEL@ADDRESS, such as "Qwen/Qwen2.5-VL-7B-Instruct@http://localhost:8000/v1".
    pause: waits so many seconds.
    """

    version = "1"

    def __init__(self, reference: str, pause: Callable[[float], object] = time.sleep) -> None:
        self._chat = Chat(reference, SECONDS, PAUSES, pause)
        self.name = f"endpoint:{reference}"
        self.settings: Mapping[str, Any] = {
            "prompt": PROMPT.read_text(encoding="utf-8"),
            "tokens": TOKENS,
            "decoding": "temperature 0",
        }

    def load(self) -> None:
        """Nothing: the model is elsewhere."""

    def read(self, picture: Path) -> Page:
        """The table as the server writes it.

        Raises `ValueError` when it refuses or answers without a table, `RunError` when it cannot be reached.
        """
        with Image.open(picture) as image:
            image.load()  # a damaged picture is not sent
            kind, width, height = Image.MIME.get(image.format or "", "image/png"), image.width, image.height
        address = f"data:{kind};base64,{base64.b64encode(picture.read_bytes()).decode()}"
        question = user({"type": "image_url", "image_url": {"url": address}}, self.settings["prompt"])
        try:
            answer = self._chat.ask([question], TOKENS)
        except RefusalError as error:
            raise ValueError(str(error)) from error  # of this picture; the next one may go well
        found = _TABLE.search(answer.text)
        if found is None:
            raise ValueError("the server's answer holds no table")
        Table.from_html(found[0])  # raises for markup that nobody could read later
        return Page(width, height, html=found[0], cut=answer.cut)
