"""Pictures of tables to text: engines, a pool of them, what they read, and how far that is from the native text."""

from .base import Engine, Page
from .engines import ENGINES, create_engine
from .layout import Line
from .read import Reading, read_pictures

__all__ = ["ENGINES", "Engine", "Line", "Page", "Reading", "create_engine", "read_pictures"]
