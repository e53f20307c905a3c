"""The private file beside a scored submission: each query's values, and the traits of its run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import RunError
from .traits import Traits

_NOT_MEASURES = ("protocol", "query", "candidates", "greater", "tied", "cluster")


def save_values(path: Path, per_query: pd.DataFrame, traits: Traits) -> None:
    """Write what `score_run_on` found of each query (`RunScores.per_query`) and the traits; equal input, equal bytes."""
    arrays: dict[str, Any] = {"top": traits.top}
    for name in ("ahead", "narrow", "fixed"):
        if getattr(traits, name) is not None:
            arrays[name] = np.float64(getattr(traits, name))
    for protocol, rows in per_query.groupby("protocol", sort=False):
        arrays["clusters"] = np.unique(rows["cluster"].to_numpy(str), return_inverse=True)[1].astype(np.int32)
        for measure in rows.columns.difference(_NOT_MEASURES):
            arrays[f"{protocol} {measure}"] = rows[measure].to_numpy(np.float64)
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def load_traits(path: Path) -> Traits:
    """The traits. Raises `RunError` for a file that `save_values` did not write."""
    found = _load(path, "top", "ahead", "narrow", "fixed")
    scalars = {name: float(found[name]) if name in found else None for name in ("narrow", "fixed")}
    return Traits(found["top"], float(found["ahead"]), **scalars)


def load_top(path: Path) -> NDArray[np.int32]:
    """`Traits.top` alone. Raises as `load_traits` does."""
    top: NDArray[np.int32] = _load(path, "top")["top"]
    return top


def load_clusters(path: Path) -> NDArray[np.int32]:
    """Numbers that are equal for queries which belong together, int32 `(queries,)`."""
    clusters: NDArray[np.int32] = _load(path, "clusters")["clusters"]
    return clusters


def load_values(path: Path, protocol: str, measure: str) -> NDArray[np.float64]:
    """The expected value of a measure for each query, float64 `(queries,)`; NaN where there is none."""
    name = f"{protocol} {measure}"
    values: NDArray[np.float64] = _load(path, name)[name]
    return values


def _load(path: Path, *names: str) -> dict[str, NDArray[Any]]:
    """Those of the named arrays that are there; the first must be."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in names if name in file or name == names[0]}
    except (OSError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())
        raise RunError(f"{path}: no values of a submission: {reason}; score it again: mmret board rescore") from error
