"""The page of live queries: what can be asked, and what was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ....benchmarks.tarvir import CONTENTS
from ....errors import InputError, unknown_name
from ....items import MODALITIES, Item, Modality
from ..facts import Hit
from ..live import Live, LiveSearch
from .cards import Card
from .scene import Scene, place_of
from .state import State

LARGEST = 64_000_000  # bytes of a file to search with


def asking(scene: Scene, state: State) -> dict[str, Any]:
    """The values of the template `live.html.j2`."""
    live = _live(scene)
    models = live.models()
    own = scene.study.benchmark.view
    views = list(dict.fromkeys([own, *(f"title=text,content={one}" for one in CONTENTS)])) if own else []
    return {
        "models": models,
        "model": state.model or models[0],
        "views": views,
        "view": state.forms or own,
        "largest": LARGEST // 10**6,
        "weights": _weights(state),
        "asked": None
        if not state.of
        else Card.of_query(scene, place_of(scene.study.benchmark.queries, state.of, "query")),
    }


def search(scene: Scene, state: State, file: Path | None) -> dict[str, Any]:
    """What a live query finds: the values of the template `found.html.j2`.

    Parameters
    ----------
    file: a picture, a clip or a sound that is asked with the text; None for none.

    Raises `InputError` for a query that says nothing, or nothing that the model reads.
    """
    live = _live(scene)
    known = live.models()
    model = state.model or known[0]
    if model not in known:
        raise unknown_name("model", model, known)
    searcher = live.search(model, state.forms or None)
    item = _item(scene, state, searcher, file)
    found = searcher.search(item, _weights(state) if state.weigh else None, state.k)
    scores = found.scores.tolist()
    hits = [
        Hit(document, score, float(rank), right=False, source=False)
        for rank, (document, score) in enumerate(zip(found.documents.tolist(), scores, strict=True), 1)
    ]
    return {
        "cards": [Card.of_hit(scene, hit) for hit in hits],
        "found": found,
        "model": model,
        "unread": sorted(item.modalities - searcher.reads),
        "documents": len(scene.study.benchmark.documents),
    }


def _item(scene: Scene, state: State, searcher: LiveSearch, file: Path | None) -> Item:
    """The query; with the media of a query of the benchmark where none are sent."""
    if file is None and state.of:
        return replace(
            scene.study.benchmark.queries[place_of(scene.study.benchmark.queries, state.of, "query")],
            text=state.ask.strip() or None,
        )
    return searcher.item(state.ask, file)


def _weights(state: State) -> Mapping[Modality, float]:
    return {one: getattr(state, f"w_{one}") for one in MODALITIES}


def _live(scene: Scene) -> Live:
    if scene.live is None:
        raise InputError("nothing can be asked here; open the results with mmret explore")
    return scene.live
