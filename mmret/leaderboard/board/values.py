"""What is known of each query of a scored submission: a private file, whose name is its content."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import RunError
from .traits import Traits


NOT_MEASURES = ["protocol", "query", "candidates", "greater", "tied", "cluster"]


def save_values(path: Path, per_query: pd.DataFrame, traits: Traits) -> None:
    """Write what `score_run_on` found of each query (`RunScores.per_query`), and who is at the top (`Traits.top`).

    Queries keep their order. Equal values make equal bytes.
    """
    arrays: dict[str, Any] = {"top": traits.top}
    for protocol, rows in per_query.groupby("protocol", sort=False):
        arrays["clusters"] = np.unique(rows["cluster"].to_numpy(str), return_inverse=True)[1].astype(np.int32)
        for measure in rows.columns.difference(NOT_MEASURES):
            arrays[_name(str(protocol), measure)] = rows[measure].to_numpy(np.float64)
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def load_values(path: Path, protocol: str, measure: str) -> NDArray[np.float64]:
    """A measure of each query, float64 `(queries,)`, NaN where it has no value. Raises `RunError` for a file that does not hold it."""
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
        with np.load(path, allow_pickle=False) as file:
            return file[name]
    except (OSError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())
        raise RunError(f"{path}: no values of a submission: {reason}; score it again: mmret board rescore") from error
