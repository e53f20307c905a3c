"""How an item ends whose record is made by asking."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import BaseModel

from ..project import Outcome


class RejectedError(Exception):
    """The model gave no answer that can be used, and would give none if it were asked again."""


class PendingError(Exception):
    """There is no answer for now, as where the server is busy or the budget spent; the next run asks again."""


def settle(make: Callable[[], BaseModel]) -> Outcome:
    """The record that `make` gives, or why there is none."""
    try:
        return Outcome.accepted(make())
    except RejectedError as error:
        return Outcome.rejected(str(error))
    except PendingError as error:
        return Outcome.pending(str(error))
