"""One document looked at closely: its picture in full, beside its texts."""

from __future__ import annotations

from typing import Any

from .cards import Card
from .scene import Scene, place_of
from .state import State


def look(scene: Scene, state: State) -> dict[str, Any] | None:
    """The values of the template `look.html.j2`; None where the address names no document."""
    if not state.look:
        return None
    place = place_of(scene.shown.documents, state.look, "document")
    asked = state.ask
    if state.tab == "queries" and state.query:
        queries = scene.study.benchmark.queries
        asked = queries[place_of(queries, state.query, "query")].text or ""
    return {"card": Card.of_document(scene, place), "texts": scene.texts(place), "asked": asked}
