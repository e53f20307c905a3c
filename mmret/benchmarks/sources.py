"""Where a benchmark is read from, and what of it: everything that a loader is told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError


class NotHereError(InputError):
    """The data of a benchmark are not on this machine; the message says how to get them."""


@dataclass(frozen=True)
class Sources:
    """What the options of a command say.

    Parameters
    ----------
    data: the benchmark's folder, where it is not the usual one.
    cache: folder for indices, pictures taken out of other files, and drawings; None: the usual one.
    view: which form of a table is shown, as `View.parse` reads it; None: the layout's usual one.
    field_map: JSON file with the names of fields (see `mmret.benchmarks.tarvir.FieldMap`).
    split: which queries are asked, where there are several sets; None: "test".
    """

    data: Path | None = None
    cache: Path | None = None
    view: str | None = None
    field_map: Path | None = None
    split: str | None = None

    def without_tables(self, name: str) -> None:
        """Raise `InputError` when something is given that only a benchmark of tables has."""
        for option in ("view", "field_map", "split"):
            if getattr(self, option) is not None:
                flag = option.replace("_", "-")
                raise InputError(f"{name} is no benchmark of tables; leave out --{flag}")
