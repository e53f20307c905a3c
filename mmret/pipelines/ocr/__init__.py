"""Pictures of tables to text: engines, a pool of them, what they read, and how far that is from the native text."""

from .base import Engine, Page
from .engines import ENGINES, create_engine
from .layout import Line
from .read import Reading, read_pictures
from .run import Summary, run_ocr
from .score import Distance, distance

__all__ = [
    "ENGINES",
    "Distance",
    "Engine",
    "Line",
    "Page",
    "Reading",
    "Summary",
    "create_engine",
    "distance",
    "read_pictures",
    "run_ocr",
]
