"""The page of the labels that people call wrong, and what results are worth by the mended ones."""

from __future__ import annotations

from typing import Any

from ....errors import InputError
from ....evaluation.summary import ALL
from ..mending import rescored
from .scene import Scene
from .state import State


def labels(scene: Scene, state: State) -> dict[str, Any]:
    """The values of the template `labels.html.j2`."""
    study, votes = scene.study, scene.votes
    if votes is None:
        raise InputError("labels cannot be mended here; open the results with mmret explore")
    protocol = state.protocol or study.protocols[0]
    compared = None
    if state.figures:
        key = "rescored", protocol, state.least, len(votes.all())  # until another vote is cast
        compared = scene.kept(key, lambda: rescored(study, votes, protocol, state.least))
    return {"tallies": votes.tally(state.least), "protocol": protocol, "compared": compared, "ALL": ALL}
