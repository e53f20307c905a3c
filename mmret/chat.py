"""A question to a server that speaks OpenAI's chat completions: about a sound, a picture, anything."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from .errors import InputError, RunError

if TYPE_CHECKING:
    import httpx

KEY = "OPENAI_API_KEY"
TO_CONNECT = 10.0  # seconds
LONGEST_PAUSE = 60.0  # seconds
BUSY = (408, 409, 429, 500, 502, 503, 504)
# A model's name may hold an "@" of its own.
_REFERENCE = re.compile(r"(.+?)@(https?://\S+)", re.IGNORECASE)


class Answer(NamedTuple):
    """What a model said; `cut` where it stopped at the limit of tokens."""

    text: str
    cut: bool


class RefusalError(RunError):
    """The server was reached and gave no answer to this question; it may answer the next one."""


class Chat:
    """A model behind an address, asked at temperature 0 and with a fixed seed; may be used by several threads.

    The key is read from the environment variable OPENAI_API_KEY, sent to the server and shown nowhere. A server that
    is busy or away is asked again after pauses; one that stayed away is not waited for again until it answers.

    Parameters
    ----------
    reference: MODEL@ADDRESS, such as "qwen2-audio@http://localhost:8000/v1".
    seconds: for one answer.
    pauses: seconds before each further attempt, unless a busy server names its own.
    sleep: waits so many seconds.

    Raises `InputError` for a reference or a key that makes no sense.
    """

    def __init__(
        self, reference: str, seconds: float, pauses: Sequence[float], sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self.model, address = _parse(reference)
        self.address = address.rstrip("/") + "/chat/completions"
        self._key = os.environ.get(KEY, "")
        if not (self._key.isascii() and self._key.isprintable()):
            raise InputError(f"{KEY} holds signs that no key has, such as a line break; set it anew")
        self._seconds, self._pauses, self._sleep = seconds, pauses, sleep
        self._away = False

    @cached_property
    def _client(self) -> httpx.Client:
        import httpx

        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        return httpx.Client(timeout=httpx.Timeout(self._seconds, connect=TO_CONNECT), headers=headers)

    def ask(self, content: Sequence[Mapping[str, Any]], tokens: int) -> Answer:
        """The first choice of the model.

        Parameters
        ----------
        content: the parts of the one message, as chat completions have them.
        tokens: that the answer may have.

        Raises `RefusalError` where this question gets no answer, `RunError` when no server can be reached.
        """
        response = self._post(
            {
                "model": self.model,
                "messages": [{"role": "user", "content": content}],
                "max_tokens": tokens,
                "temperature": 0,
                "seed": 0,
            }
        )
        try:
            choice = response.json()["choices"][0]
            text = choice["message"]["content"]
        except (ValueError, LookupError, TypeError):
            text = None
        if not isinstance(text, str):
            raise RefusalError(f"{self.address}: the server's answer holds no text")
        return Answer(text, cut=choice.get("finish_reason") == "length")

    def _post(self, body: Mapping[str, Any]) -> httpx.Response:
        import httpx

        for pause in (*self._pauses, None):
            asked = None
            try:
                response = self._client.post(self.address, json=body)
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
                trouble = f"does not answer ({type(error).__name__}); start it or mend the address"
                failure = RunError(f"{self.address}: the server {trouble}")
                if self._away:
                    break
            except httpx.RequestError as error:
                failure = RefusalError(f"{self.address}: the server does not answer ({type(error).__name__})")
            else:
                self._away = False
                if response.is_success:
                    return response
                failure = RefusalError(f"{self.address}: the server {self._words(response)}")
                if response.status_code not in BUSY:
                    break
                asked = _asked_pause(response)
            if pause is not None:
                self._sleep(min(pause if asked is None else asked, LONGEST_PAUSE))
        self._away = not isinstance(failure, RefusalError)
        raise failure

    def _words(self, response: httpx.Response) -> str:
        """What a server said instead of an answer. Its words on a key are left out: some repeat the key."""
        status = f"answers {response.status_code} {response.reason_phrase}".rstrip()
        if response.status_code in (401, 403):
            return f"{status}: it refuses the key; set {KEY} to one that it takes"
        try:
            said = str(response.json()["error"]["message"])
        except (ValueError, LookupError, TypeError):
            return status
        return f"{status}: {(said.replace(self._key, '…') if self._key else said)[:300]}"


def _parse(reference: str) -> tuple[str, str]:
    """Model and address. What is wrong is told without the reference: it may hold a password."""
    found = _REFERENCE.fullmatch(reference)
    try:
        parts = urlsplit(found[2] if found else "")
        whole = bool(parts.hostname) and parts.port != 0
    except ValueError:  # no port or no address that there can be
        whole = False
    if found is None or not whole:
        raise InputError("endpoint needs MODEL@ADDRESS, such as qwen2.5-omni-7b@http://localhost:8000/v1")
    if parts.username or parts.password or parts.query:
        raise InputError(f"endpoint: leave keys and passwords out of the address; put the key into {KEY}")
    return found[1], found[2]


def _asked_pause(response: httpx.Response) -> float | None:
    """Seconds that a busy server asks one to wait."""
    try:
        return max(0.0, float(response.headers["retry-after"]))
    except (KeyError, ValueError):
        return None
