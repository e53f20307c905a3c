"""The choices of an encoder, given as texts by name, as the values they stand for."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..errors import InputError
from .base import Options


def one_of(options: Options, name: str, known: Sequence[str]) -> str:
    """What was chosen among `known`, of which the first is the default. Raises `InputError` for anything else."""
    chosen = options.choices.get(name, known[0])
    if chosen not in known:
        raise InputError(f"{name} cannot be {chosen!r}; choose from: {', '.join(known)}")
    return chosen


def number(options: Options, name: str, default: float, least: float = 0.0) -> float:
    """A number of at least `least`. Raises `InputError` for anything else."""
    chosen = options.choices.get(name)
    if chosen is None:
        return default
    try:
        value = float(chosen)
    except ValueError:
        value = math.nan
    if not least <= value < math.inf:
        raise InputError(f"{name} must be a number of at least {least:g}, not {chosen!r}")
    return value
