"""One HTML file that says how systems compare and shows where they fail; it opens from a disk, without a network."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...benchmarks import Benchmark
from ...errors import InputError, RunError, unknown_name
from ...evaluation import Measure, Ranking, compare_results
from ...evaluation.summary import ALL
from ...media import Fault, Workers
from ...media.excerpts import SECONDS, gather
from . import drawings, summaries
from .answers import Study
from .examples import TOP, examples_of
from .facts import Facts

if TYPE_CHECKING:
    from jinja2 import Environment

PAGE = 1_000_000  # bytes left for what is not media
LETTERS = 1500  # shown of a document's text


def write_report(
    study: Study,
    path: Path,
    *,
    protocol: str | None = None,
    measure: str | None = None,
    examples: int = 20,
    budget_mb: float = 30.0,
    copies: NDArray[np.int64] | None = None,
    workers: int | None = None,
    time_limit: float = 60.0,
    seed: int = 0,
) -> None:
    """Write the report, whole or not at all.

    Parameters
    ----------
    protocol, measure: those of the report; by default the first that all systems were scored under, and by.
    examples: telling queries to show; there may be fewer.
    budget_mb: 10^6 bytes that the file may have; where they do not suffice, clips are left out first, then pictures.
    copies: int64 `(pairs, 2)`, documents known to be the same or nearly, as positions; None where that is unknown.
    workers, time_limit: the processes that decode media, and the seconds that one file may take.
    seed: of the tests between systems.

    Raises `InputError` for an unknown protocol or measure, `RunError` when the disk refuses.
    """
    protocol, measure = protocol or study.protocols[0], measure or study.measures[0]
    if measure not in study.measures:
        raise unknown_name("measure", measure, study.measures)
    facts = study.facts(protocol)
    scores = [system.result.record["scores"][protocol] for system in study.systems]
    clusters = _clusters(study, protocol)
    narrowest = summaries.narrowest_slices(len(facts.candidates), study.benchmark.slices)
    chosen = summaries.telling_queries(
        facts.rank, facts.candidates, _best(scores, measure), narrowest, clusters, most=examples
    )
    found = examples_of(study, facts, chosen)
    wants = [want for one in found for want in one.wants]
    with Workers(workers, time_limit) as pool:
        excerpts = gather(wants, pool, int(1e6 * budget_mb) - PAGE)
    labels = summaries.Labels(
        source=np.full(len(narrowest), -1) if study.benchmark.source is None else study.benchmark.source,
        narrowest=narrowest,
        positives=study.benchmark.positives,
        copies=np.zeros((0, 2), np.int64) if copies is None else copies,
    )
    page = _environment().get_template("report.html.j2")
    text = page.render(
        study=study,
        facts=facts,
        measure=measure,
        scores=scores,
        ranking=_ranking(study, protocol, measure, seed),
        heat=summaries.heat_map(scores, measure),
        examples=found,
        excerpts=excerpts,
        **_drawn(facts, clusters, labels),
    )
    _write(path, text)


def read_copies(path: Path, benchmark: Benchmark) -> NDArray[np.int64]:
    """The list that `mmret benchmarks duplicates` writes, as positions int64 `(pairs, 2)`.

    Pairs with a document that was not scored are passed over. Raises `InputError` naming the line that cannot be read.
    """
    place = {item.id: position for position, item in enumerate(benchmark.documents)}
    pairs: list[tuple[int, int]] = []
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            pairs.append((place.get(row["first"], -1), place.get(row["second"], -1)))
    except OSError as error:
        raise InputError(f"{path}: the list cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{path}:{len(pairs) + 1}: not a line that `mmret benchmarks duplicates` writes") from None
    found = np.array(pairs, np.int64).reshape(-1, 2)
    return found[(found >= 0).all(axis=1)]


def _clusters(study: Study, protocol: str) -> NDArray[np.int64]:
    """Equal numbers for queries that are not independent, in the order of the benchmark; int64 `(queries,)`."""
    table = study.systems[0].result.per_query
    cluster = table[table["protocol"] == protocol].set_index("query")["cluster"]
    names = cluster.loc[[item.id for item in study.benchmark.queries]].to_numpy(str)
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def _best(scores: Sequence[Mapping[str, Any]], measure: str) -> int:
    """The system with the best figure."""
    sign = 1 if Measure.parse(measure).higher_is_better else -1
    return int(np.argmax([sign * one[ALL][measure]["value"] for one in scores]))


def _ranking(study: Study, protocol: str, measure: str, seed: int) -> Ranking | None:
    """The paired tests; None for one system."""
    if len(study.systems) == 1:
        return None
    results = [system.result for system in study.systems]
    return compare_results(results, protocol=protocol, measure=measure, seed=seed)


def _drawn(facts: Facts, clusters: NDArray[np.int64], labels: summaries.Labels) -> dict[str, Any]:
    """The summaries that are drawn, with the numbers behind them."""
    names, n = facts.systems, len(clusters)
    histogram = summaries.rank_histogram(facts.rank)
    places = list(zip(facts.optimistic, facts.pessimistic, strict=True))
    curves = {
        name: summaries.success_curve(first, last, facts.candidates, clusters)
        for name, (first, last) in zip(names, places, strict=True)
    }
    chance = summaries.success_curve(np.ones(n), facts.candidates.astype(float), facts.candidates, clusters)
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
        "curves_drawing": drawings.curves_drawing(curves, chance.values, curve),
        "errors": summaries.ERRORS,
        "error_counts": counts,
        "errors_drawing": drawings.errors_drawing(counts / n, list(summaries.ERRORS), names),
    }


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "figure": _figure,
        "p_value": _p_value,
        "rank": _rank,
        "thousands": "{:,}".format,
        "wave": drawings.wave_drawing,
    }
    environment.globals |= {"seconds": SECONDS, "top": TOP, "letters": LETTERS}
    environment.tests |= {"fault": lambda one: isinstance(one, Fault)}
    return environment


def _figure(value: float | None, measure: str) -> str:
    """In percent, ranks as they are."""
    if value is None or math.isnan(value):
        return "–"
    return f"{value:.1f}" if measure.endswith(("MedR", "MeanR")) else f"{100 * value:.1f}"


def _p_value(p: float) -> str:
    return "<0.0001" if p < 0.0001 else f"{p:.4f}"


def _rank(value: float) -> str:
    return f"{value:,.1f}".removesuffix(".0") if math.isfinite(value) else "none: it was not retrieved"


def _write(path: Path, text: str) -> None:
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Half a character, which a damaged text may hold, becomes a sign that says so.
        part.write_text(text, encoding="utf-8", errors="xmlcharrefreplace")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise RunError(f"{path}: the report cannot be written: {error.strerror or error}") from error
