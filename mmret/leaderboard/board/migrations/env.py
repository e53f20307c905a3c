"""Run by alembic for `schema.upgrade`, which gives the connection."""

from alembic import context

from mmret.leaderboard.board.database import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite changes a table by making it anew
)
with context.begin_transaction():
    context.run_migrations()
