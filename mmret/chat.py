"""A question to a server that speaks OpenAI's chat completions: about a sound, a picture, anything."""

from __future__ import annotations

import math
import os
import re
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from .errors import InputError, RunError
from .extras import need

if TYPE_CHECKING:
    import httpx
    from openai import APIStatusError

KEY = "OPENAI_API_KEY"
TO_CONNECT = 10.0  # seconds
LONGEST_PAUSE = 60.0  # seconds
BUSY = (408, 409, 429, 500, 502, 503, 504)
Message = Mapping[str, Any]
"""A message as chat completions have it: `role`, and `content`, a text or a list of parts."""
# A model's name may hold an "@" of its own.
_REFERENCE = re.compile(r"(.+?)@(https?://\S+)", re.IGNORECASE)
_UNREACHED = ("ConnectError", "ConnectTimeout", "ProxyError")


class Answer(NamedTuple):
    """What a model said; `cut` where it stopped at the limit of tokens.

    `read` and `written` are the tokens of question and answer, None where the server does not count them.
    """

    text: str
    cut: bool
    read: int | None = None
    written: int | None = None


class RefusalError(RunError):
    """The server was reached and gave no answer to this question; it may answer the next one.

    `status` is that of a server that refused, None of one that did not. `answer` is one without a text, which may have
    cost tokens all the same.
    """

    def __init__(self, message: str, status: int | None = None, answer: Answer | None = None) -> None:
        super().__init__(message)
        self.status, self.answer = status, answer


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
    settings: what else is asked of the server, by the names of chat completions, over temperature and seed; None
        leaves one out.

    Raises `InputError` for a reference or a key that makes no sense, and where the package openai is missing.
    """

    def __init__(
        self,
        reference: str,
        seconds: float,
        pauses: Sequence[float],
        sleep: Callable[[float], object] = time.sleep,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self.model, address = _parse(reference)
        self._base = address.rstrip("/")
        self.address = self._base + "/chat/completions"
        self._key = os.environ.get(KEY, "")
        if not (self._key.isascii() and self._key.isprintable()):
            raise InputError(f"{KEY} holds signs that no key has, such as a line break; set it anew")
        need("asking a server", "pipeline", "openai")
        self._seconds, self._pauses, self._sleep = seconds, pauses, sleep
        self._settings = {"temperature": 0, "seed": 0, **(settings or {})}
        self._away = False

    @cached_property
    def _completions(self) -> Any:
        import httpx
        import openai

        client = openai.OpenAI(
            base_url=self._base,
            api_key=self._key or "none",
            max_retries=0,  # attempts are made here: a server that is away is not waited for by each question
            # What is sent goes to the address that was named, and to no other that it points to.
            http_client=openai.DefaultHttpxClient(
                timeout=httpx.Timeout(self._seconds, connect=TO_CONNECT), follow_redirects=False
            ),
        )
        weakref.finalize(self, client.close)  # connections that servers keep open
        # The response itself: what the package makes of it lacks what a server left out.
        return client.chat.completions.with_raw_response

    def ask(self, messages: Sequence[Message], tokens: int, form: Mapping[str, Any] | None = None) -> Answer:
        """The first choice of the model.

        Parameters
        ----------
        messages: the conversation, the last message the user's.
        tokens: that the answer may have.
        form: what the server is told of the answer's form, the `response_format` of chat completions.

        Raises `RefusalError` where this question gets no answer, `RunError` when no server can be reached.
        """
        body = {"model": self.model, "messages": messages, "max_tokens": tokens, "response_format": form}
        body |= self._settings
        response = self._post({name: value for name, value in body.items() if value is not None})
        no_text = f"{self.address}: the server's answer holds no text"
        try:
            completion = response.json()
            choice = completion["choices"][0]
            text = choice["message"]["content"]
        except (ValueError, LookupError, TypeError) as error:
            raise RefusalError(no_text) from error
        usage = completion.get("usage") or {}
        tokens_of = (usage.get("prompt_tokens"), usage.get("completion_tokens"))
        answer = Answer(text or "", choice.get("finish_reason") == "length", *tokens_of)
        if not isinstance(text, str):
            raise RefusalError(no_text, answer=answer)
        return answer

    def _post(self, body: Mapping[str, Any]) -> httpx.Response:
        import openai

        no_key = None if self._key else {"Authorization": openai.Omit()}
        for pause in (*self._pauses, None):
            asked = None
            try:
                response = self._completions.create(**body, extra_headers=no_key).http_response
            except openai.APIStatusError as error:
                self._away = False
                failure: RunError = RefusalError(f"{self.address}: the server {self._words(error)}", error.status_code)
                if error.status_code not in BUSY:
                    break
                asked = _asked_pause(error)
            except openai.APIConnectionError as error:
                trouble = type(error.__cause__).__name__
                if trouble not in _UNREACHED:
                    failure = RefusalError(f"{self.address}: the server does not answer ({trouble})")
                else:
                    way_out = "start it or mend the address"
                    failure = RunError(f"{self.address}: the server does not answer ({trouble}); {way_out}")
                    if self._away:
                        break
            else:
                self._away = False
                return response
            if pause is not None:
                self._sleep(min(pause if asked is None else asked, LONGEST_PAUSE))
        self._away = not isinstance(failure, RefusalError)
        raise failure

    def _words(self, error: APIStatusError) -> str:
        """What a server said instead of an answer. Its words on a key are left out: some repeat the key."""
        status = f"answers {error.status_code} {error.response.reason_phrase}".rstrip()
        if error.status_code in (401, 403):
            return f"{status}: it refuses the key; set {KEY} to one that it takes"
        try:
            said = str(error.response.json()["error"]["message"])
        except (ValueError, LookupError, TypeError):
            return status
        return f"{status}: {(said.replace(self._key, '…') if self._key else said)[:300]}"


def user(*content: Mapping[str, Any] | str) -> Message:
    """The message of a user made of parts; a text is one."""
    parts = [{"type": "text", "text": part} if isinstance(part, str) else part for part in content]
    return {"role": "user", "content": parts}


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


def _asked_pause(error: APIStatusError) -> float | None:
    """Seconds that a busy server asks one to wait."""
    try:
        seconds = float(error.response.headers["retry-after"])
    except (KeyError, ValueError):
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
