"""Documents that are the same, or nearly: within one corpus, and between test and training data."""

from .find import Likeness, Match, Matches, Record, duplicates, leaks, same_questions

__all__ = ["Likeness", "Match", "Matches", "Record", "duplicates", "leaks", "same_questions"]
