"""The page of the labels that people call wrong, and what results are worth by the mended ones."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from ....errors import InputError
from ....evaluation.summary import ALL
from ..answers import Study
from ..mending import Rescored, rescored
from ..votes import Votes
from .scene import Scene
from .state import State


def labels(scene: Scene, state: State) -> dict[str, Any]:
    """The values of the template `labels.html.j2`."""
    if scene.votes is None:
        raise InputError("labels cannot be mended here; open the results with mmret explore")
    tallies = scene.votes.tally(state.least)
    protocol = state.protocol or scene.study.protocols[0]
    compared = None
    if state.figures:
        compared = _rescored(scene.study, scene.votes, protocol, state.least, len(scene.votes.all()))
    return {"tallies": tallies, "protocol": protocol, "compared": compared, "ALL": ALL}


@lru_cache(maxsize=8)
def _rescored(study: Study, votes: Votes, protocol: str, least: int, cast: int) -> Rescored:  # noqa: ARG001
    """Kept until another vote is cast."""
    return rescored(study, votes, protocol, least)
