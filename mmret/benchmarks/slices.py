"""Further slices of the queries, from a file: types or kinds of sound that a benchmark's own files lack."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, first_ten
from .base import Benchmark

if TYPE_CHECKING:
    import pandas as pd

UNKNOWN = "unknown"


def read_slices(path: Path, benchmark: Benchmark) -> dict[str, NDArray[np.int64]]:
    """The benchmark's slices and those of a file; a query that the file names is in slice "unknown" no more.

    Parameters
    ----------
    path: CSV or Parquet with a column `slice`, and either `query` or both `source` and `target` (document
        ids). A query may stand in several rows.

    Raises `InputError` for a missing column, and for rows without a slice or that fit no query, naming the first ten.
    """
    table = _read(path)
    positions, rows = _queries(table, benchmark, path)
    slices = {label: set(members.tolist()) for label, members in benchmark.slices.items()}
    for position, row in zip(positions.tolist(), rows.tolist(), strict=True):
        slices.setdefault(str(table["slice"].iloc[row]), set()).add(position)
    slices[UNKNOWN] = slices.get(UNKNOWN, set()) - set(positions.tolist())
    return {label: np.asarray(sorted(slices[label]), np.int64) for label in sorted(slices) if slices[label]}


def _read(path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        # "NA" is a name like others.
        parquet = path.suffix == ".parquet"
        table = pd.read_parquet(path) if parquet else pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: the slices cannot be read: {error}") from None
    return table.astype(object).where(table.notna(), "").astype(str)


def _queries(table: pd.DataFrame, benchmark: Benchmark, path: Path) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions of queries and the rows of the table that name them; a pair may name several."""
    keys = ["query"] if "query" in table else ["source", "target"]
    lacking = [key for key in (*keys, "slice") if key not in table]
    if lacking:
        raise InputError(
            f"{path}: no column {', '.join(lacking)}; it has {', '.join(map(str, table.columns))}; "
            "give `slice`, and `query` or both `source` and `target`"
        )
    unnamed = np.flatnonzero(table["slice"] == "")
    if len(unnamed):
        raise InputError(f"{path}: rows without a slice: {first_ten((unnamed + 1).tolist())}")
    asked = _names(benchmark, keys)
    given = table[keys].assign(row=np.arange(len(table)))
    found = given.merge(asked, on=keys, how="left")
    stray = found[found["position"].isna()]
    if len(stray):
        raise InputError(f"{path}: rows that fit no query: {first_ten([tuple(r) for r in stray[keys].to_numpy()])}")
    return found["position"].to_numpy(np.int64), found["row"].to_numpy(np.int64)


def _names(benchmark: Benchmark, keys: list[str]) -> pd.DataFrame:
    import pandas as pd

    if keys == ["query"]:
        ids = [item.id for item in benchmark.queries]
        return pd.DataFrame({"query": ids, "position": np.arange(len(ids))})
    rows = benchmark.positives.rows
    source = np.full(len(rows), -1) if benchmark.source is None else benchmark.source[rows]
    names = np.asarray([item.id for item in benchmark.documents], object)
    return pd.DataFrame(
        {
            "source": np.where(source >= 0, names[source], ""),
            "target": names[benchmark.positives.positions],
            "position": rows,
        }
    )
