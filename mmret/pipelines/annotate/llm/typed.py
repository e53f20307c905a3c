"""Words to a typed answer: what has not the form is shown to the model once more, with what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ....chat import Answer, Message, user
from ....errors import first_ten
from .outcome import RejectedError

A = TypeVar("A", bound=BaseModel)


def typed(
    answer: Callable[[Sequence[str]], Answer], form: type[A], faults: Callable[[A], list[str]] = lambda _: []
) -> A:
    """A model's answer in a form, mended once where it has faults.

    Parameters
    ----------
    answer: asks the model; given nothing, or its first answer and what is wrong with that.
    form: what the answer must hold, as JSON.
    faults: what is wrong with an answer that has the form, in words for the model.

    Raises `RejectedError` where the second answer is no better.
    """
    talk: list[str] = []
    for _ in range(2):
        said = answer(talk)
        try:
            made = form.model_validate_json(_object(said.text))
            wrong = faults(made)
        except ValidationError as error:
            wrong = _words(error)
        if not wrong:
            return made
        if said.cut:
            wrong = ["it was cut off at the limit of tokens: be brief"]
        talk = [said.text, "\n".join(wrong)]
    raise RejectedError(f"no valid answer: {first_ten(wrong)}")


def messages(media: Sequence[Mapping[str, Any]], text: str, talk: Sequence[str]) -> list[Message]:
    """The conversation: the question, and where there was an answer already, that and what is wrong with it."""
    asked = [user(*media, text)]
    if talk:
        said, wrong = talk
        again = f"This answer cannot be used:\n{wrong}\nAnswer again, the whole object, without these faults."
        asked += [{"role": "assistant", "content": said}, user(again)]
    return asked


def in_words(text: str, schema: Mapping[str, Any]) -> str:
    """A question that names the form of its answer, for models that are held to none."""
    told = json.dumps(schema, ensure_ascii=False)
    return f"{text}\n\nAnswer with one JSON object and nothing else. Its JSON schema:\n{told}"


def _object(text: str) -> str:
    """The JSON object in an answer, which may stand in a fence or between words."""
    start, end = text.find("{"), text.rfind("}")
    return text[start : end + 1] if 0 <= start < end else text


def _words(error: ValidationError) -> list[str]:
    """What is wrong with an answer, a line a fault."""
    return [f"{'.'.join(map(str, one['loc'])) or 'the answer'}: {one['msg']}" for one in error.errors()]
