"""What judges are asked, and what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..records import Clip, Criteria, Description


@dataclass(frozen=True)
class Side:
    """A clip with its annotation."""

    clip: Clip
    description: Description


@dataclass(frozen=True)
class Case:
    """A triplet to be judged. Nothing in it tells a judge whether the right answer is known.

    Parameters
    ----------
    id: a hash; of a control too.
    source, target: the clips.
    text: what is to be changed in the source to get the target.
    others: clips like the target, among which the text must single it out.
    """

    id: str
    source: Side
    target: Side
    text: str
    others: tuple[Side, ...] = ()


@dataclass(frozen=True)
class Judgement:
    """What a judge says of a case: point by point, and why; it is accepted where no point is a fault."""

    criteria: Criteria
    reason: str

    @property
    def accept(self) -> bool:
        """Whether all points hold."""
        return not self.criteria.faults


class Judge(Protocol):
    """Anything that judges triplets.

    Attributes
    ----------
    name: as it is configured; "llm:…" for a language model.
    identity: all that decides a judgement but the case, as plain values.
    at_once: whether all cases are best judged in one call; others are judged one a call, in several threads.
    """

    name: str
    identity: Mapping[str, Any]
    at_once: bool

    def judge(self, cases: Sequence[Case]) -> list[Judgement]:
        """A judgement of each case, which depends on that case alone."""
        ...
