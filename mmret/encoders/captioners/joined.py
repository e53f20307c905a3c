"""A+B: the captions of several captioners, one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import InputError
from .base import Captioner, Sound


class JoinedCaptions:
    """What each part writes, in order, with ". " between; parts that write nothing are left out.

    The parts read their settings from the same choices, so that these are set for all of them at once.
    """

    def __init__(self, parts: Sequence[Captioner]) -> None:
        self._parts = parts
        self.name = "+".join(part.name for part in parts)
        self.revision = "+".join(part.revision for part in parts)
        self.rate = max(part.rate for part in parts)
        self.family = next((part.family for part in parts if part.family), "")
        self.settings: Mapping[str, Any] = {key: value for part in parts for key, value in part.settings.items()}
        if len({part.rate for part in parts if part.rate}) > 1:
            raise InputError(f"{self.name}: these captioners listen at different sample rates")

    @property
    def parameters(self) -> int:
        """Those of the parts together."""
        return sum(part.parameters for part in self._parts)

    def caption(self, sounds: Sequence[Sound]) -> list[str]:
        """The joined captions."""
        written = [part.caption(sounds) for part in self._parts]
        return [". ".join(text.rstrip(".") for text in texts if text) for texts in zip(*written, strict=True)]
