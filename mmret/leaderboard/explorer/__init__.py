"""The query explorer: what systems answered, query by query, with the clips and pictures themselves."""

from .answers import Study, System
from .facts import Facts, Hit, Listing

__all__ = ["Facts", "Hit", "Listing", "Study", "System"]
