"""One model at a server, asked for answers in a typed form; an answer that has not the form may be mended once."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from ....chat import BUSY, Answer, Chat, Message, RefusalError
from ....errors import InputError, RunError
from ....items import text_digest
from ..config import Endpoint
from ..project import Project
from .calls import Calls, SpentError
from .outcome import PendingError, RejectedError
from .prompts import Prompt
from .typed import A, in_words, messages, typed

PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0)  # seconds before a busy server is asked again, unless it names its own
NO_QUESTION = (401, 402, 403, 404, 405)  # statuses that any other question would meet as well
WRONG_FORM = (400, 415, 422, 501)  # of a server that may take no response_format


@dataclass(frozen=True)
class Question:
    """What is asked, and for whom.

    Parameters
    ----------
    stage, item: for the ledger.
    prompt: the prompt as it stands in its file.
    text: the prompt with its places filled.
    seen: digest of what is sent beside the text and how it is prepared; empty for nothing.
    media: makes the parts that are sent, as chat completions have them; called only if the answer is not known yet.
    """

    stage: str
    item: str
    prompt: Prompt
    text: str
    seen: str = ""
    media: Callable[[], Sequence[Mapping[str, Any]]] = tuple


class Asker:
    """A model that answers in a typed form; may be used by several threads.

    Of those threads so many ask at a time as the endpoint allows. Twice as many should run: the others prepare what
    they will ask.

    Parameters
    ----------
    endpoint: the model, its limits and prices.
    calls: the answers known, and the budget.
    sleep: waits so many seconds.
    """

    def __init__(self, endpoint: Endpoint, calls: Calls, sleep: Callable[[float], object] = time.sleep) -> None:
        self.endpoint = endpoint
        self._chat = Chat(endpoint.model, endpoint.seconds, PAUSES, sleep, endpoint.settings)
        self._calls, self._sleep = calls, sleep
        self._slots = threading.Semaphore(endpoint.concurrency)
        self._lock, self._next = threading.Lock(), 0.0
        self._takes_schema = True

    @property
    def model(self) -> str:
        """The model's name at its server."""
        return self._chat.model

    @property
    def threads(self) -> int:
        """How many threads keep the server as busy as it may be."""
        return 2 * self.endpoint.concurrency

    @property
    def identity(self) -> dict[str, Any]:
        """All of the model that decides its answers, as plain values; where it stands is not."""
        return {"model": self.model, "tokens": self.endpoint.tokens, "settings": self.endpoint.settings}

    def ask(self, question: Question, form: type[A], faults: Callable[[A], list[str]] = lambda _: []) -> A:
        """The model's answer in its form.

        An answer without the form, or with faults, is shown to the model once more with what is wrong.

        Parameters
        ----------
        form: what the answer must hold.
        faults: what is wrong with an answer that has the form, in words for the model.

        Raises `RejectedError` where the second answer is no better or the server refuses the question, `PendingError`
        where the server is too busy or the budget is spent, and `RunError` where no question can be answered.
        """
        return typed(lambda talk: self._answer(question, form, talk), form, faults)

    def _answer(self, question: Question, form: type[A], talk: Sequence[str]) -> Answer:
        """The answer that is known, or a new one, kept before anybody sees it."""
        schema = form.model_json_schema()
        decisive = [self.identity, question.text, question.seen, schema, *talk]
        key = text_digest(json.dumps(decisive, sort_keys=True, ensure_ascii=False))
        known = self._calls.known(key)
        if known is not None:
            return known
        room = self._cost(0, self.endpoint.tokens) or 0.0
        about: dict[str, str | float] = {
            "stage": question.stage, "item": question.item, "model": self.model,
            "prompt": question.prompt.name, "prompt_digest": question.prompt.digest, "asked": 1 + len(talk) // 2,
        }  # fmt: skip
        try:
            self._calls.check(room)  # media that nobody can send are not decoded
            media = question.media()
            with self._slots, self._calls.allowance(room):
                self._wait()
                started = time.perf_counter()
                answer = self._say(media, question.text, schema, talk)
                about["seconds"] = round(time.perf_counter() - started, 3)
                # Before its room in the budget is given back, or another call would find both.
                self._calls.keep(key, answer, self._cost(answer.read, answer.written), **about)
        except SpentError as error:
            raise PendingError(str(error)) from error
        except RefusalError as error:
            raise _judged(error) from error
        return answer

    def _say(
        self, media: Sequence[Mapping[str, Any]], text: str, schema: dict[str, Any], talk: Sequence[str]
    ) -> Answer:
        # An answer without the form may come of a server that takes no notice of it: the second try tells it in words.
        told = in_words(text, schema) if talk or not self._takes_schema else text
        if self._takes_schema:
            named = {"name": schema["title"], "schema": schema, "strict": True}
            try:
                answer = self._ask(messages(media, told, talk), {"type": "json_schema", "json_schema": named})
            except RefusalError as error:
                if error.status not in WRONG_FORM:
                    raise
            else:
                self._takes_schema = not answer.text or answer.text.lstrip().startswith("{")
                return answer
        answer = self._ask(messages(media, in_words(text, schema), talk), None)
        self._takes_schema = False  # the refusal was of the form, not of the question
        return answer

    def _ask(self, messages: Sequence[Message], form: Mapping[str, Any] | None) -> Answer:
        try:
            answer = self._chat.ask(messages, self.endpoint.tokens, form)
        except RefusalError as error:
            if error.answer is None:
                raise
            answer = error.answer  # empty, and paid for all the same
        # Half a character, as where an answer is cut off, can neither be kept nor sent back.
        return answer._replace(text=answer.text.encode(errors="replace").decode())

    def _wait(self) -> None:
        """Until the endpoint's rate allows another call."""
        if self.endpoint.calls_per_minute is None:
            return
        with self._lock:
            start = max(self._next, time.monotonic())
            self._next = start + 60 / self.endpoint.calls_per_minute
        self._sleep(max(0.0, start - time.monotonic()))

    def _cost(self, read: int | None, written: int | None) -> float | None:
        prices = self.endpoint.price_read, self.endpoint.price_written
        if read is None or written is None or prices[0] is None or prices[1] is None:
            return None
        return (read * prices[0] + written * prices[1]) / 1e6


class Askers:
    """The askers of a project, one for each model, and the calls that they share.

    Parameters
    ----------
    endpoints: limits and prices of models; one that is not among them has the usual limits and no prices.
    calls: the answers known, and the budget.
    """

    def __init__(self, endpoints: Sequence[Endpoint], calls: Calls) -> None:
        self._endpoints = {endpoint.model: endpoint for endpoint in endpoints}
        self._made: dict[str, Asker] = {}
        self.calls = calls

    @classmethod
    def of(cls, project: Project) -> Self:
        """Those of a project, and the answers that it has."""
        return cls(project.config.endpoint, Calls.of(project))

    def named(self, model: str) -> Asker:
        """The asker of MODEL@ADDRESS.

        Raises `InputError` for what is no such reference, and where its cost is limited and it has no prices.
        """
        if model not in self._made:
            endpoint = self._endpoints.get(model) or Endpoint(model=model)
            made = Asker(endpoint, self.calls)
            if self.calls.limits_cost and None in (endpoint.price_read, endpoint.price_written):
                raise InputError(
                    f"{made.model}: a limited cost needs its price_read and price_written in an [[endpoint]]"
                )
            self._made[model] = made
        return self._made[model]


def _judged(error: RefusalError) -> Exception:
    """What a refusal means for the question."""
    status = error.status
    if status is None or status in BUSY or status >= 500:
        return PendingError(f"no answer: {error}")
    if status in NO_QUESTION or status < 400:
        return RunError(f"{error}; mend the address or the key")
    return RejectedError(f"refused: {error}")
