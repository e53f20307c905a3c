"""The version of the tables: made and brought up to date by the migrations that travel with mmret."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

Schema = Literal["none", "old", "current", "newer"]


def upgrade(connection: Connection) -> None:
    """Make the tables, or change older ones; in the transaction of the connection."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def schema_of(connection: Connection) -> Schema:
    """How the tables stand to this mmret."""
    found = MigrationContext.configure(connection).get_current_revision()
    script = ScriptDirectory.from_config(_config())
    if found is None:
        return "none"
    if found == script.get_current_head():
        return "current"
    return "old" if found in {one.revision for one in script.walk_revisions()} else "newer"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    return config
