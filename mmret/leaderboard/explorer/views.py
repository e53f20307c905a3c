"""What the explorer shows, as plain values that go into JSON: numbers are finite, what is unknown is None."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...items import Item
from ...serving.media import MediaShelf
from .answers import Study
from .facts import Facts, Hit


def study_view(study: Study) -> dict[str, Any]:
    """The benchmark, its slices with their sizes, and the systems with their figures over all queries."""
    benchmark = study.benchmark
    return {
        "benchmark": {
            "name": benchmark.name,
            "version": benchmark.version,
            "title": str(benchmark.about.get("title", benchmark.name)),
            "queries": len(benchmark.queries),
            "documents": len(benchmark.documents),
            "sources": benchmark.source is not None,
        },
        "slices": {label: len(members) for label, members in benchmark.slices.items()},
        "protocols": study.protocols,
        "measures": study.measures,
        "systems": [
            {
                "name": system.name,
                "model": system.model,
                "view": system.result.record["benchmark"]["view"],
                "run_depth": system.result.record["run_depth"],
                "scores": {
                    protocol: {measure: entry["all"][measure] for measure in study.measures if measure in entry["all"]}
                    for protocol, entry in system.result.record["scores"].items()
                    if protocol in study.protocols
                },
            }
            for system in study.systems
        ],
    }


def rows_view(facts: Facts, queries: NDArray[np.int64]) -> list[dict[str, Any]]:
    """One row a query, for a list: what it says, its labels, and how it fared."""
    return [
        {
            "position": query,
            "id": facts.benchmark.queries[query].id,
            "text": facts.benchmark.queries[query].text,
            "slices": facts.slices_of(query),
            "rank": {name: _finite(facts.rank[i, query]) for i, name in enumerate(facts.systems)},
            "tied": {name: bool(facts.tied[i, query]) for i, name in enumerate(facts.systems)},
            "source_ahead": {name: bool(facts.source_ahead[i, query]) for i, name in enumerate(facts.systems)},
        }
        for query in queries.tolist()
    ]


def query_view(facts: Facts, shelf: MediaShelf, query: int, k: int = 20) -> dict[str, Any]:
    """Everything about one query: what was asked, what is right, and the first `k` of each system.

    The top of a system is None where its run does not hold the candidates of the protocol.
    """
    benchmark = facts.benchmark
    source = facts.source_of(query)
    return {
        "position": query,
        "protocol": facts.protocol,
        "query": item_view(benchmark.queries[query], shelf),
        "slices": facts.slices_of(query),
        "candidates": int(facts.candidates[query]),
        "source": None if source < 0 else item_view(benchmark.documents[source], shelf),
        "right": [item_view(benchmark.documents[i], shelf) for i in benchmark.positives[query].tolist()],
        "systems": [_answer_view(facts, shelf, system, query, k) for system in range(len(facts.systems))],
    }


def item_view(item: Item, shelf: MediaShelf) -> dict[str, Any]:
    """An item with links to its media."""
    media = {name: getattr(item, name) for name in ("image", "video", "audio")}
    links = {name: None if one is None else shelf.url(one) for name, one in media.items()}
    return {"id": item.id, "text": item.text} | links


def _answer_view(facts: Facts, shelf: MediaShelf, system: int, query: int, k: int) -> dict[str, Any]:
    listing = facts.listing(system, query, k)

    def hit_view(hit: Hit) -> dict[str, Any]:
        item = item_view(facts.benchmark.documents[hit.document], shelf)
        return item | {"score": hit.score, "rank": hit.rank, "right": hit.right, "source": hit.source}

    return {
        "name": facts.systems[system],
        "rank": _finite(facts.rank[system, query]),
        "optimistic": _finite(facts.optimistic[system, query]),
        "pessimistic": _finite(facts.pessimistic[system, query]),
        "source_ahead": bool(facts.source_ahead[system, query]),
        "run_depth": facts.depth[system],
        "top": None if listing is None else [hit_view(hit) for hit in listing.top],
        "right": None if listing is None else [hit_view(hit) for hit in listing.right],
        "source": None if listing is None or listing.source is None else hit_view(listing.source),
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
