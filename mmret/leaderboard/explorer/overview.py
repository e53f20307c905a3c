"""The summaries of a study under one protocol, drawn, with the numbers behind them: what `summaries.html.j2` shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...evaluation import Measure
from ...evaluation.summary import ALL
from . import drawings, summaries
from .answers import Study
from .facts import Facts


def overview(study: Study, protocol: str, measure: str, copies: NDArray[np.int64] | None = None) -> dict[str, Any]:
    """The values of the template `summaries.html.j2`.

    Parameters
    ----------
    protocol, measure: names that the study has; the measure is that of the heat map.
    copies: int64 `(pairs, 2)`, documents known to be the same or nearly, as positions; None where that is unknown.
    """
    facts = study.facts(protocol)
    labels = summaries.Labels(
        source=np.full(len(facts.candidates), -1) if study.benchmark.source is None else study.benchmark.source,
        narrowest=narrowest_of(study),
        positives=study.benchmark.positives,
        copies=np.zeros((0, 2), np.int64) if copies is None else copies,
    )
    heat = summaries.heat_map(scores_of(study, protocol), measure)
    return {"facts": facts, "heat": heat, **_drawn(facts, clusters_of(study, protocol), labels)}


def telling_of(study: Study, protocol: str, measure: str, most: int) -> list[summaries.Telling]:
    """The queries that tell most, at most so many; failures are looked for in the system of the best figure."""
    facts = study.facts(protocol)
    best = _best(scores_of(study, protocol), measure)
    clusters = clusters_of(study, protocol)
    return summaries.telling_queries(facts.rank, facts.candidates, best, narrowest_of(study), clusters, most=most)


def scores_of(study: Study, protocol: str) -> list[Mapping[str, Any]]:
    """Of each system its figures by slice, as its `result.json` has them."""
    return [system.result.record["scores"][protocol] for system in study.systems]


def narrowest_of(study: Study) -> NDArray[np.integer]:
    """See `summaries.narrowest_slices`."""
    return summaries.narrowest_slices(len(study.benchmark.queries), study.benchmark.slices)


def clusters_of(study: Study, protocol: str) -> NDArray[np.int64]:
    """Equal numbers for queries that are not independent, in the order of the benchmark; int64 `(queries,)`."""
    table = study.systems[0].result.per_query
    cluster = table[table["protocol"] == protocol].set_index("query")["cluster"]
    names = cluster.loc[[item.id for item in study.benchmark.queries]].to_numpy(str)
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def _best(scores: Sequence[Mapping[str, Any]], measure: str) -> int:
    """The system with the best figure."""
    sign = 1 if Measure.parse(measure).higher_is_better else -1
    return int(np.argmax([sign * one[ALL][measure]["value"] for one in scores]))


def _drawn(facts: Facts, clusters: NDArray[np.int64], labels: summaries.Labels) -> dict[str, Any]:
    """The summaries that are drawn, with the numbers behind them."""
    names, n = facts.systems, len(clusters)
    histogram = summaries.rank_histogram(facts.rank)
    places = list(zip(facts.optimistic, facts.pessimistic, strict=True))
    curves = {
        name: summaries.success_curve(first, last, facts.candidates, clusters)
        for name, (first, last) in zip(names, places, strict=True)
    }
    chance = summaries.chance_curve(labels.positives, facts.candidates)
    kinds = np.stack(
        [
            summaries.error_types(first, last, facts.candidates, best, labels)
            for (first, last), best in zip(places, facts.best, strict=True)
        ]
    )
    counts = np.array([[(row == kind).sum() for kind in summaries.ERRORS] for row in kinds])
    curve = "R" if (labels.positives.sizes == 1).all() else "Success"
    return {
        "histogram": histogram,
        "histogram_drawing": drawings.histogram_drawing(histogram, names),
        "curve": curve,
        "curves": curves,
        "curves_drawing": drawings.curves_drawing(curves, chance, curve),
        "errors": summaries.ERRORS,
        "error_counts": counts,
        "errors_drawing": drawings.errors_drawing(counts / n, list(summaries.ERRORS), names),
    }
