"""Pairs of clips that differ in what is seen, in what is heard, or in both."""

from .calibration import Calibration, Spread, calibrate
from .calibration_tables import calibration_tables
from .pairs import Mined, mine
from .splits import split_of
from .stage import calibrate_project, mine_project

__all__ = [
    "Calibration",
    "Mined",
    "Spread",
    "calibrate",
    "calibrate_project",
    "calibration_tables",
    "mine",
    "mine_project",
    "split_of",
]
