"""What is known of each query of a scored submission: a private file, whose name is its content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import RunError
from .files import DAMAGED
from .traits import Traits


@dataclass(frozen=True)
class Values:
    """The values of each query, in the order of the labels.

    Parameters
    ----------
    measured: (protocol, measure) → expected value, float64 `(queries,)`, NaN where there is none.
    clusters: equal for queries that belong together, int32 `(queries,)`.
    traits: of the run.
    """

    measured: Mapping[tuple[str, str], NDArray[np.float64]]
    clusters: NDArray[np.int32]
    traits: Traits

    @classmethod
    def of(cls, per_query: pd.DataFrame, measures: Sequence[str], traits: Traits) -> Self:
        """From what `score_run_on` found of each query (`RunScores.per_query`)."""
        protocols = {str(name): rows for name, rows in per_query.groupby("protocol", sort=False)}
        names = next(iter(protocols.values()))["cluster"].to_numpy(str)
        measured = {
            (protocol, measure): rows[measure].to_numpy(np.float64)
            for protocol, rows in protocols.items()
            for measure in measures
        }
        return cls(measured, np.unique(names, return_inverse=True)[1].astype(np.int32), traits)

    def save(self, path: Path) -> None:
        """Write all but the figures of the traits; equal values make equal bytes."""
        arrays: dict[str, Any] = {_name(*key): column for key, column in self.measured.items()}
        with path.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, clusters=self.clusters, top=self.traits.top, **arrays)


def load_values(path: Path, protocol: str, measure: str) -> NDArray[np.float64]:
    """A measure of each query, float64 `(queries,)`. Raises `RunError` for a file that does not hold it."""
    values: NDArray[np.float64] = _load(path, _name(protocol, measure))
    return values


def load_clusters(path: Path) -> NDArray[np.int32]:
    """Equal numbers for queries that belong together, int32 `(queries,)`. Raises as `load_values` does."""
    clusters: NDArray[np.int32] = _load(path, "clusters")
    return clusters


def load_top(path: Path) -> NDArray[np.int32]:
    """`Traits.top`, int32 `(queries, 10)`. Raises as `load_values` does."""
    top: NDArray[np.int32] = _load(path, "top")
    return top


def _name(protocol: str, measure: str) -> str:
    return f"{protocol} {measure}"


def _load(path: Path, name: str) -> Any:
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            return file[name]
    except DAMAGED as error:
        reason = " ".join(str(error).split())
        raise RunError(f"{path}: no values of a submission: {reason}; score it again: mmret board rescore") from error
