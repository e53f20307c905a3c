"""What describes clips."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from ..project import Outcome
from ..records import Clip, Description
from .schema import Annotation


class Describer(Protocol):
    """Anything that annotates clips.

    Attributes
    ----------
    name: who described, as it stands in `Description.made_by`; "offline" marks what no model of language wrote.
    identity: all that decides an annotation but the clip, as plain values.
    """

    name: str
    identity: Mapping[str, Any]

    def describe(self, clip: Clip, path: Path) -> Outcome:
        """The `Description` of a clip whose file is `path`, or why there is none."""
        ...


def description(clip: Clip, annotation: Annotation, made_by: str) -> Description:
    """The row of an annotation."""
    return Description(clip=clip.id, annotation=annotation.model_dump(mode="json"), made_by=made_by)


def faults(annotation: Annotation) -> list[str]:
    """What is wrong with an annotation, in words for the model that wrote it."""
    return ["nothing is described"] if annotation.empty else []
