"""What is wrong with a submission, in words and for machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from .description import Description

Severity = Literal["error", "warning"]
SHOWN = 10  # ids or fields named of each fault


@dataclass(frozen=True)
class Fault:
    """One kind of fault.

    Parameters
    ----------
    code: for machines: a name that stays, such as "missing-queries".
    severity: a file with an "error" is refused, one with a "warning" is not.
    message: what is wrong, and the way out.
    where: the first ten ids, fields or lines concerned; they come from the file, with control characters spelt out, and
        are cut to 100 characters.
    count: how many are concerned.
    """

    code: str
    severity: Severity
    message: str
    where: list[str] = field(default_factory=list)
    count: int = 1

    def __str__(self) -> str:
        if not self.where:
            return self.message
        rest = f", … ({self.count:,} in all)" if self.count > len(self.where) else ""
        return f"{self.message}: {', '.join(self.where)}{rest}"


@dataclass(frozen=True)
class Report:
    """All that was found in a file.

    Parameters
    ----------
    faults: errors first.
    description: None where it cannot be read.
    entries: number of entries read, 0 where the rows cannot be read.
    run_digest: of the run, however it is described; "" where the rows cannot be read or are out of order.
    """

    faults: Sequence[Fault]
    description: Description | None = None
    entries: int = 0
    run_digest: str = ""

    @property
    def ok(self) -> bool:
        """Whether a server takes the file."""
        return not any(fault.severity == "error" for fault in self.faults)

    def describe(self) -> dict[str, Any]:
        """Plain values."""
        described = None if self.description is None else self.description.model_dump(mode="json")
        return {
            "ok": self.ok,
            "faults": [asdict(fault) for fault in self.faults],
            "entries": self.entries,
            "run_digest": self.run_digest,
            "description": described,
        }


def visible(text: str) -> str:
    """An id from a file as it may be shown: what cannot be printed spelt out, and no longer than 100 characters."""
    shown = "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text[:101])
    return shown if len(shown) <= 100 else f"{shown[:99]}…"
