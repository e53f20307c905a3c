"""The state of a board: database, files, teams, jobs, scoring."""

from .board import Board

__all__ = ["Board"]
