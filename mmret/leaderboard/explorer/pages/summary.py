"""The page of the summaries: figures, drawings, and the queries that tell most."""

from __future__ import annotations

from typing import Any

from ....errors import unknown_name
from ..overview import overview, scores_of, telling_of
from .scene import Scene
from .state import State

TELLING = 20  # queries


def summary(scene: Scene, state: State) -> dict[str, Any]:
    """The values of the template `digest.html.j2`."""
    study = scene.study
    measure = state.measure or study.measures[0]
    if measure not in study.measures:
        raise unknown_name("measure", measure, study.measures)
    protocol = state.protocol or study.protocols[0]
    telling = scene.kept(("telling", protocol, measure), lambda: telling_of(study, protocol, measure, TELLING))
    return {
        **scene.kept(("overview", protocol, measure), lambda: overview(study, protocol, measure)),
        "measure": measure,
        "scores": scores_of(study, protocol),
        "telling": [(one, study.benchmark.queries[one.query]) for one in telling],
    }
