"""One HTML file that says how systems compare and shows where they fail; it opens from a disk, without a network."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...benchmarks import Benchmark
from ...errors import InputError, unknown_name
from ...evaluation import Measure, Ranking, compare_results
from ...media import Workers
from ...media.excerpts import SECONDS, gather
from ...paths import refuse_file
from ...whole import write_whole
from .answers import Study
from .examples import examples_of
from .overview import overview, scores_of, telling_of
from .render import environment

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

    Raises `InputError` for a path where no file can be, and an unknown protocol or measure, `RunError` when the disk
    refuses.
    """
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name an HTML file with --output")
    refuse_file(path.parent)
    protocol, measure = protocol or study.protocols[0], str(Measure.parse(measure or study.measures[0]))
    if measure not in study.measures:
        raise unknown_name("measure", measure, study.measures)
    facts = study.facts(protocol)
    chosen = telling_of(study, protocol, measure, examples)
    found = examples_of(study, facts, chosen)
    wants = [want for one in found for want in one.wants]
    with Workers(workers, time_limit) as pool:
        excerpts = gather(wants, pool, int(1e6 * budget_mb) - PAGE)
    page = _environment().get_template("report.html.j2")
    text = page.render(
        study=study,
        measure=measure,
        scores=scores_of(study, protocol),
        ranking=_ranking(study, protocol, measure, seed),
        examples=found,
        excerpts=excerpts,
        **overview(study, protocol, measure, copies),
    )
    # Half a character, which a damaged text may hold, becomes a sign that says so.
    write_whole(path, text.encode("utf-8", "xmlcharrefreplace"), "the report cannot be written")


def read_copies(path: Path, benchmark: Benchmark) -> NDArray[np.int64]:
    """The list that `mmret benchmarks duplicates` writes, as positions int64 `(pairs, 2)`.

    Pairs with a document that was not scored are passed over. Raises `InputError` naming the line that cannot be read.
    """
    place = {item.id: position for position, item in enumerate(benchmark.documents)}
    pairs: list[tuple[int, int]] = []
    try:
        with path.open("rb") as lines:  # an id may hold what a text takes for the end of a line
            for row in map(json.loads, lines):
                pairs.append((place.get(row["first"], -1), place.get(row["second"], -1)))
    except OSError as error:
        raise InputError(f"{path}: the list cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{path}:{len(pairs) + 1}: not a line that `mmret benchmarks duplicates` writes") from None
    found = np.array(pairs, np.int64).reshape(-1, 2)
    return found[(found >= 0).all(axis=1)]


def _ranking(study: Study, protocol: str, measure: str, seed: int) -> Ranking | None:
    """The paired tests; None for one system."""
    if len(study.systems) == 1:
        return None
    results = [system.result for system in study.systems]
    return compare_results(results, protocol=protocol, measure=measure, seed=seed)


@cache
def _environment() -> Environment:
    found = environment(__package__)
    found.globals |= {"seconds": SECONDS, "letters": LETTERS}
    return found
