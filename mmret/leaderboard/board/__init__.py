"""The state of a board: database, files, teams, jobs, scoring."""

from ...extras import need

need("a board", "board", "sqlalchemy", "alembic", "cryptography", "prometheus_client")

from .board import Board  # noqa: E402  (it imports what is needed)

__all__ = ["Board"]
