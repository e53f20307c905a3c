"""What everybody may know of a benchmark: what is asked and among what, and not what is right."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ...benchmarks import Benchmark, Ragged
from ...errors import InputError, RunError
from ...vectors import offsets_of

SCHEMA = b"mmret.ground/1"
_TEXTS = ("name", "version", "digest", "view")


@dataclass(frozen=True)
class Ground:
    """A benchmark without its labels: all that a submission can be checked against by anybody.

    Parameters
    ----------
    name, version, view: of the benchmark.
    digest: `Benchmark.ground_digest`, the same for the copy with labels and the one without.
    queries, documents: ids in ascending order, without those that the benchmark's exclusion list names.
    galleries: the candidates as positions in `documents`, one list or one a query, ascending; None for all documents.
    source: int32 `(queries,)`, position of the document each query was made from, -1 for none; None where no query has
        one.
    """

    name: str
    version: str
    digest: str
    queries: list[str]
    documents: list[str]
    galleries: Ragged | None = None
    source: NDArray[np.int32] | None = None
    view: str = ""

    @classmethod
    def of(cls, benchmark: Benchmark) -> Self:
        """What is known of a benchmark, with labels or with hidden ones."""
        usable = benchmark.usable()
        return cls(
            benchmark.name,
            benchmark.version,
            benchmark.ground_digest,
            [item.id for item in usable.queries],
            [item.id for item in usable.documents],
            usable.galleries,
            usable.source,
            benchmark.view,
        )

    @cached_property
    def gallery_sizes(self) -> NDArray[np.int64]:
        """Number of candidates of each query, int64 `(queries,)`."""
        if self.galleries is None:
            return np.full(len(self.queries), len(self.documents))
        return np.broadcast_to(self.galleries.sizes, len(self.queries))

    def save(self, path: Path) -> None:
        """Write it as Parquet of one row, whole or not at all. Raises `RunError` when the disk refuses."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        lists: dict[str, Any] = {"queries": pa.array([self.queries]), "documents": pa.array([self.documents])}
        if self.galleries is not None:
            lists["sizes"] = _one_list(self.galleries.sizes)
            lists["candidates"] = _one_list(self.galleries.positions)
        if self.source is not None:
            lists["source"] = _one_list(self.source)
        texts: dict[str | bytes, str | bytes] = {name: getattr(self, name) for name in _TEXTS}
        table = pa.table(lists).replace_schema_metadata(texts | {"schema": SCHEMA})
        numbers = [name for name in ("sizes", "candidates", "source") if name in lists]
        part = path.with_name(f"{path.name}.part")
        try:
            pq.write_table(
                table,
                part,
                compression="zstd",
                use_dictionary=False,
                column_encoding={f"{name}.list.element": "DELTA_BINARY_PACKED" for name in numbers},
                write_statistics=False,
            )
            part.replace(path)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise RunError(f"{path}: the ground cannot be written: {error.strerror or error}") from error

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote. Raises `InputError` for a file that is none or that contradicts itself."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            with pq.ParquetFile(path) as file:
                table = file.read()
            about = table.schema.metadata or {}
            if about.get(b"schema") != SCHEMA or len(table) != 1:
                raise ValueError("another kind of file")
            column = {name: table[name].chunk(0).flatten() for name in table.column_names}
            texts = {name: about[name.encode()].decode() for name in _TEXTS}
            galleries = source = None
            if "sizes" in column:
                galleries = Ragged(offsets_of(column["sizes"].to_numpy()), column["candidates"].to_numpy())
            if "source" in column:
                source = column["source"].to_numpy()
            ids = {name: column[name].to_pylist() for name in ("queries", "documents")}
            return cls(**texts, **ids, galleries=galleries, source=source)._checked()
        except FileNotFoundError:
            raise InputError(f"{path}: no such file") from None
        except (pa.ArrowException, OSError, ValueError, KeyError) as error:
            raise InputError(f"{path}: no ground of a benchmark: {' '.join(str(error).split())}") from None

    def _checked(self) -> Self:
        """Itself. Raises `ValueError` for positions and sizes that do not fit the ids."""
        n, N = len(self.queries), len(self.documents)
        for ids in (self.queries, self.documents):
            if not ids or any(not isinstance(one, str) for one in ids) or sorted(set(ids)) != ids:
                raise ValueError("ids are missing, given twice or out of order")
        if self.source is not None and (len(self.source) != n or not _within(self.source, -1, N)):
            raise ValueError("sources do not fit")
        lists = self.galleries
        if lists is not None:
            fits = len(lists) in (1, n) and lists.offsets[-1] == len(lists.positions) and (lists.sizes >= 0).all()
            if not fits or not _within(lists.positions, 0, N):
                raise ValueError("galleries do not fit")
        return self


def _one_list(values: NDArray[Any]) -> Any:
    """A column of one row that holds all values."""
    import pyarrow as pa

    return pa.LargeListArray.from_arrays([0, len(values)], pa.array(values))


def _within(values: NDArray[np.int32], low: int, end: int) -> bool:
    return not len(values) or bool(values.min() >= low and values.max() < end)
