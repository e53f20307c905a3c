"""What is left out of a benchmark for every model alike, as a file that travels with the data."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Self

from ..errors import InputError
from ..whole import write_whole

NAME = "exclusions.json"
SCHEMA = "mmret.exclusions/1"


@dataclass(frozen=True)
class Exclusions:
    """Unusable documents, and queries that cannot be asked.

    Both lists hold `{"id", "reason"}`, a document's entry also `"file"`.
    """

    documents: list[dict[str, str]] = field(default_factory=list)
    queries: list[dict[str, str]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.documents or self.queries)

    @cached_property
    def of_documents(self) -> dict[str, str]:
        """Id → reason."""
        return {one["id"]: one["reason"] for one in self.documents}

    @cached_property
    def of_queries(self) -> dict[str, str]:
        """Id → reason."""
        return {one["id"]: one["reason"] for one in self.queries}

    def save(self, path: Path, benchmark: str) -> None:
        """Write the list, made for the benchmark with the digest `benchmark`."""
        text = json.dumps({"schema": SCHEMA, "benchmark": benchmark, **asdict(self)}, indent=1) + "\n"
        trouble, way_out = "the exclusion list cannot be written", "name another file with --exclusions"
        write_whole(path, text.encode(), trouble, way_out)

    @classmethod
    def load(cls, path: Path) -> tuple[Self, str]:
        """The list, and the digest of the benchmark it was made for. Raises `InputError` when it is no such file."""
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            if kept["schema"] != SCHEMA:
                raise KeyError("schema")
            found = cls(list(map(_entry, kept["documents"])), list(map(_entry, kept["queries"])))
            return found, str(kept["benchmark"])
        except OSError as error:
            raise InputError(f"{path}: the exclusion list cannot be read: {error.strerror}") from None
        except (ValueError, KeyError, TypeError):
            raise InputError(
                f"{path}: no exclusion list of schema {SCHEMA}; make one: mmret benchmarks verify"
            ) from None


def _entry(row: dict[str, str]) -> dict[str, str]:
    return {"id": row["id"], "reason": row["reason"]} | ({"file": row["file"]} if "file" in row else {})
