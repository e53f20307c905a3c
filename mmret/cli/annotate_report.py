"""`mmret annotate report`: the funnel of a project and how far to trust what came out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .common import Json, ProjectFile, new_table, show, show_json

if TYPE_CHECKING:
    from rich.table import Table as Drawn

    from ..pipelines.annotate.tables import Table


def report(
    config: ProjectFile,
    as_json: Json = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown instead of tables.")] = False,
) -> None:
    """Show what became of everything, the judges' errors on controls, agreement, and what is gold."""
    from ..errors import InputError
    from ..pipelines.annotate.config import Config
    from ..pipelines.annotate.project import Project
    from ..pipelines.annotate.report import report as made_report
    from ..pipelines.annotate.report_tables import markdown, tables

    if as_json and as_markdown:
        raise InputError("choose one of --json and --markdown")
    found = made_report(Project(Config.read(config)))
    if as_json:
        show_json(found.describe())
    elif as_markdown:
        print(markdown(found), end="")
    else:
        for table in tables(found):
            show(drawn(table))


def drawn(table: Table) -> Drawn:
    """A table for the terminal."""
    made = new_table(table.headings, table.headings, title=table.title, title_justify="left")
    for row in table.rows:
        made.add_row(*row)
    return made
