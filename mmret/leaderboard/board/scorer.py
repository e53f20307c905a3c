"""Score one submission: from labels and a run to figures and to the values of each query."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...evaluation import read_run, score_run_on
from .answers import load_answers
from .traits import Traits
from .values import Values

SCORER_VERSION = "1"  # grows with every change after which the same file may get another figure


@dataclass(frozen=True)
class Scored:
    """A scored submission.

    Parameters
    ----------
    figures: the columns of `database.Score`, but for the submission, one row a protocol, slice and measure.
    values: of each query.
    """

    figures: list[dict[str, Any]]
    values: Values


def score(answers: Path, run: Path, protocols: Sequence[str], measures: Sequence[str]) -> Scored:
    """Score a run under each protocol, for all slices.

    Parameters
    ----------
    answers: file of the labels (see `answers`).
    run: Parquet file of the run, which must hold all queries.

    Raises `InputError` for a run that does not fit.
    """
    labelled, asked = load_answers(answers), read_run(run)
    found = score_run_on(asked, labelled, protocols=protocols, measures=measures)
    values = Values.of(found.per_query, measures, Traits.of(asked, labelled))
    return Scored(list(_figures(found.scores)), values)


def _figures(scores: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for protocol, slices in scores.items():
        for label, entry in slices.items():
            for measure, figure in entry.items():
                if measure == "n":
                    continue
                row = {"protocol": protocol, "slice": label, "measure": measure, "n": entry["n"], "random": None}
                yield row | {name: None if math.isnan(value) else value for name, value in figure.items()}
