"""The choices of an encoder, given as texts by name, as the values they stand for."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence

from ..errors import InputError
from .base import Options


def one_of(options: Options, name: str, known: Sequence[str]) -> str:
    """What was chosen among `known`, of which the first is the default. Raises `InputError` for anything else."""
    chosen = options.choices.get(name, known[0])
    if chosen not in known:
        raise InputError(f"{name} cannot be {chosen!r}; choose from: {', '.join(known)}")
    return chosen


def number(options: Options, name: str, default: float, least: float = 0.0, most: float = sys.float_info.max) -> float:
    """A number from `least` to `most`. Raises `InputError` for anything else."""
    chosen = options.choices.get(name)
    if chosen is None:
        return default
    try:
        value = float(chosen)
    except ValueError:
        value = math.nan
    if not least <= value <= most:
        limit = f"of at least {least:g}" if most == sys.float_info.max else f"from {least:g} to {most:g}"
        raise InputError(f"{name} must be a number {limit}, not {chosen!r}")
    return value


def whole_number(options: Options, name: str, default: int, least: int = 1) -> int:
    """A whole number of at least `least`. Raises `InputError` for anything else."""
    given = options.choices.get(name, str(default))
    if not given.isdecimal() or int(given) < least:
        raise InputError(f"{name} must be a whole number of at least {least}, not {given!r}")
    return int(given)
