"""Questions to language models: answers in a typed form, each paid for once, within a budget and limits."""

from .asker import Asker, Askers, Question, RejectedError, Unanswered, settle
from .calls import Calls, Total
from .prompts import Prompt

__all__ = [
    "Asker",
    "Askers",
    "Calls",
    "Prompt",
    "Question",
    "RejectedError",
    "Total",
    "Unanswered",
    "settle",
]
