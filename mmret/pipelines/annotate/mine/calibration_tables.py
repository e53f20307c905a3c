"""A calibration as tables of texts."""

from __future__ import annotations

from ..tables import Table
from .calibration import SHARES, Calibration, Spread

_BARS = " ▁▂▃▄▅▆▇█"


def calibration_tables(calibration: Calibration) -> list[Table]:
    """How the cosines of each space lie, and what each condition lets pass."""
    return [_spaces(calibration), _conditions(calibration)]


def _spaces(calibration: Calibration) -> Table:
    rows = [
        [space, *(f"{cosine:.3f}" for cosine in (one.least, *one.quantiles.values(), one.most)), _histogram(one)]
        for space, one in calibration.spaces.items()
    ]
    headings = ["space", "least", *(f"{share:.1%}" for share in SHARES), "most", "from -1 to 1"]
    return Table(f"Cosines of {calibration.pairs:,} random pairs", headings, rows)


def _conditions(calibration: Calibration) -> Table:
    rows = []
    for kind, conditions in calibration.conditions.items():
        for one in conditions:
            rows.append([kind, one.condition, f"{one.bound:.3f}", f"{one.share:.3%}", one.suggested])
        rows.append([kind, "all of them", "", f"{calibration.together[kind]:.3%}", ""])
    return Table("Random pairs that pass", ["kind", "condition", "cosine", "pass", "try instead"], rows)


def _histogram(spread: Spread) -> str:
    """A bar for each part, none where there is no pair."""
    highest = max(spread.counts)
    return "".join(_BARS[-(-count * (len(_BARS) - 1) // highest)] for count in spread.counts)
