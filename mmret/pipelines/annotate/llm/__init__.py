"""Questions to language models: answers in a typed form, each paid for once, within a budget and limits."""

from .asker import Asker, Askers, Question
from .calls import SPENT, Calls, Total
from .outcome import PendingError, RejectedError, settle
from .prompts import Prompt
from .typed import in_words, messages, typed

__all__ = [
    "SPENT",
    "Asker",
    "Askers",
    "Calls",
    "PendingError",
    "Prompt",
    "Question",
    "RejectedError",
    "Total",
    "in_words",
    "messages",
    "settle",
    "typed",
]
