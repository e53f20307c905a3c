"""Ways to disturb a table, by name: "rows", "title-noise=0.3", "blur=2"."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Self, TypeVar

import numpy as np
from numpy.random import Generator

from ..errors import InputError, unknown_name
from . import degrade, perturb

Kind = Literal["title", "table", "picture"]
Thing = TypeVar("Thing")


@dataclass(frozen=True)
class Way:
    """One way to disturb something.

    Parameters
    ----------
    kind: what it takes and gives: a title (`str`), a `Table`, or a picture (`PIL.Image.Image`).
    function: called with the thing, a random generator and the strength.
    levels: strengths to try by default, weakest first; empty if the way has no strength.
    least, most: the bounds of the strength.
    whole: whether the strength is a whole number.
    """

    kind: Kind
    function: Callable[[Any, Generator, float], Any]
    levels: tuple[float, ...] = ()
    least: float = 0
    most: float = 1
    whole: bool = False


PERTURBATIONS: dict[str, Way] = {
    "title-drop": Way("title", lambda *_: ""),
    "title-noise": Way("title", perturb.noise_title, (0.1, 0.3, 0.5)),
    "rows": Way("table", lambda table, rng, _: perturb.permute_rows(table, rng)),
    "columns": Way("table", lambda table, rng, _: perturb.permute_columns(table, rng)),
    "scale": Way("picture", lambda image, _, factor: degrade.scale(image, factor), (0.75, 0.5, 0.25), 0.01),
    "blur": Way("picture", lambda image, _, radius: degrade.blur(image, radius), (1, 2, 4), most=100),
    "jpeg": Way("picture", lambda image, _, quality: degrade.jpeg(image, quality), (50, 20, 5), 1, 95, whole=True),
    "skew": Way("picture", lambda image, _, degrees: degrade.skew(image, degrees), (1, 3, 5), -45, 45),
    "noise": Way("picture", degrade.scan_noise, (0.1, 0.2, 0.4)),
}


@dataclass(frozen=True)
class Perturbation:
    """A way to disturb something and how strongly; prints as `parse_perturbation` reads it.

    Parameters
    ----------
    name: a key of `PERTURBATIONS`.
    strength: within the bounds of that way; None if it has no strength.

    Raises `InputError` for an unknown name, and for a strength that is lacking, needless or out of bounds.
    """

    name: str
    strength: float | None = None

    def __post_init__(self) -> None:
        if self.name not in PERTURBATIONS:
            raise unknown_name("perturbation", self.name, PERTURBATIONS)
        way, value = self._way, self.strength
        if not way.levels:
            if value is not None:
                raise InputError(f"{self}: {self.name} has no strength; write it without one")
        elif value is None:
            raise InputError(f"{self}: give a strength, as in {self.name}={_number(way.levels[0])}")
        elif not way.least <= value <= way.most or (way.whole and value != int(value)):
            number = "a whole number" if way.whole else "a number"
            raise InputError(f"{self}: the strength must be {number} from {way.least:g} to {way.most:g}")

    def __str__(self) -> str:
        return self.name if self.strength is None else f"{self.name}={_number(self.strength)}"

    @property
    def kind(self) -> Kind:
        """What it takes and gives: a title (`str`), a `Table` or a picture (`PIL.Image.Image`)."""
        return self._way.kind

    @classmethod
    def levels(cls, name: str) -> list[Self]:
        """The way of that name at each of its usual strengths, or once if it has none."""
        if name not in PERTURBATIONS:
            raise unknown_name("perturbation", name, PERTURBATIONS)
        return [cls(name, level) for level in PERTURBATIONS[name].levels or (None,)]

    def apply(self, thing: Thing, seed: int | str) -> Thing:
        """A disturbed copy of a title, table or picture, whichever `kind` says.

        The same seed gives the same copy, and the same draws at every strength; for many items, an item's id in the
        seed makes their draws independent.
        """
        drawn = hashlib.sha256(f"{self.name}\n{seed}".encode()).digest()
        rng = np.random.default_rng(int.from_bytes(drawn))
        disturbed: Thing = self._way.function(thing, rng, self.strength or 0.0)
        return disturbed

    @property
    def _way(self) -> Way:
        return PERTURBATIONS[self.name]


def parse_perturbation(text: str) -> Perturbation:
    """Read a perturbation such as "rows" or "blur=2". Raises `InputError` as `Perturbation` does."""
    name, equals, strength = text.strip().partition("=")
    try:
        return Perturbation(name, float(strength) if equals else None)
    except ValueError:
        raise InputError(f"{text}: the strength {strength!r} is not a number") from None


def _number(value: float) -> str:
    return repr(float(value)).removesuffix(".0")
