"""Commands that are imported when they are used, so that `mmret --help` need not know what they are made of."""

from __future__ import annotations

from importlib import import_module
from typing import Any, NamedTuple

import typer
from typer.core import TyperCommand
from typer.main import get_group

from . import configured


class Place(NamedTuple):
    """Where a command, or a group of them, is made, as `module:name`, and its line in the help of mmret."""

    made: str
    help: str


class LazyCommand(TyperCommand):
    """Stands for a command until it is used; options may be set by environment variables and configuration files."""

    def __init__(self, name: str, place: Place) -> None:
        super().__init__(name, help=place.help, short_help=place.help)
        self._path, self._place = (name,), place

    def load(self) -> Any:
        """The command itself, of click."""
        module, _, attribute = self._place.made.partition(":")
        found = getattr(import_module(f".{module}", __package__), attribute)
        app, (name,) = typer.Typer(rich_markup_mode=None), self._path
        app.add_typer(found, name=name) if isinstance(found, typer.Typer) else app.command(name)(found)
        command = get_group(app).commands[name]
        configured.name_variables(command, self._path)
        _tell_all(command)
        return command

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """The context of the command itself, in which click goes on with it."""
        command = self.load()
        # A fault in a file must not keep completion from its work, nor the doctor, which tells of it.
        if not extra.get("resilient_parsing") and info_name != "doctor":
            extra["default_map"] = configured.defaults(command, self._path, parent.command.commands)
        return command.make_context(info_name, args, parent=parent, **extra)


def _tell_all(command: Any) -> None:
    """Let the help of a group show the first paragraph of each command's help, which else is cut to a line."""
    for one in configured.commands(command).values():
        one.short_help = one.help.partition("\n\n")[0]
        _tell_all(one)
