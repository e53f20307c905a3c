"""The page of the summaries: figures, drawings, and the queries that tell most."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from ....errors import unknown_name
from ..answers import Study
from ..overview import overview, scores_of, telling_of
from ..summaries import Telling
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
    drawn, telling = _summarised(study, protocol, measure)
    return {
        **drawn,
        "measure": measure,
        "scores": scores_of(study, protocol),
        "telling": [(one, study.benchmark.queries[one.query]) for one in telling],
    }


@lru_cache(maxsize=32)
def _summarised(study: Study, protocol: str, measure: str) -> tuple[dict[str, Any], list[Telling]]:
    """Kept, because a study does not change."""
    return overview(study, protocol, measure), telling_of(study, protocol, measure, TELLING)
