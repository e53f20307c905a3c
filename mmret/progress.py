"""Progress of long work on stderr: how far, how fast, and when it will end."""

from __future__ import annotations

import sys

from tqdm.auto import tqdm


def bar(total: int | None, label: str, unit: str, *, show: bool = True) -> tqdm[None]:
    """A progress bar for a `with` block, moved by `update(n)`: on a terminal, or, as a widget, in a notebook.

    Elsewhere, as in a log, a line is printed now and then.

    `total` is None where nobody knows it. Where the unit is "B", bytes are told as kB, MB or GB.
    """
    interval = 0.2 if sys.stderr.isatty() or "ipykernel" in sys.modules else 10.0
    scaled = unit == "B"
    return tqdm(
        total=total, desc=label, unit=unit, unit_scale=scaled, mininterval=interval, file=sys.stderr, disable=not show
    )
