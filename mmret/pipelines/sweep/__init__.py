"""Perturbations of a corpus of tables, and what they do to a model."""

from .changes import Change, Making, hindrance, making_of, usual_changes
from .copy import Copy, make_copy
from .effects import Effect, Stability
from .source import Source, open_source
from .sweep import Sweep, sweep

__all__ = [
    "Change",
    "Copy",
    "Effect",
    "Making",
    "Source",
    "Stability",
    "Sweep",
    "hindrance",
    "make_copy",
    "making_of",
    "open_source",
    "sweep",
    "usual_changes",
]
