"""Tables as data: read from HTML or lists, written as text, described, and disturbed on purpose."""

from .cells import EMPTY, Cell
from .serialise import SERIALISERS, serialise
from .table import Table

__all__ = ["EMPTY", "SERIALISERS", "Cell", "Table", "serialise"]
