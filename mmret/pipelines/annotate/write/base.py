"""What writes modification texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import Field

from ..describe import Annotation
from ..project import Outcome
from ..records import Clip, PairRow, Record


@dataclass(frozen=True)
class Task:
    """A pair, its clips, and what is seen and heard in them."""

    pair: PairRow
    source: Annotation
    target: Annotation
    clips: tuple[Clip, Clip]


class Phrasings(Record):
    """The texts of a pair."""

    phrasings: list[str] = Field(description="The texts, each complete by itself.")


class Writer(Protocol):
    """Anything that writes modification texts.

    Attributes
    ----------
    name: who wrote, as it stands in `Instruction.made_by`; "offline" marks what no language model wrote.
    identity: all that decides a text but the pair and its annotations, as plain values.
    """

    name: str
    identity: Mapping[str, Any]

    def write(self, task: Task) -> Outcome:
        """The `Instruction` of a pair, or why there is none."""
        ...
