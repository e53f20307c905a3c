"""Options that are not given: environment variables, then configuration files, then the command's own defaults."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import typer

from ..config import FOLDERS, Key, Setting, configured, configured_folder
from ..errors import InputError, unknown_name

SECRETS = (
    "HF_TOKEN",
    "MMRET_BACKUP_DATABASE",
    "MMRET_BOARD_DATABASE",
    "MMRET_BOARD_TOKEN",
    "MMRET_REVIEW_KEY",
    "OPENAI_API_KEY",
)
"""Environment variables whose values are shown nowhere and stand in no file."""
_SECRET_WORDS = {"database", "key", "password", "secret", "token"}


def options(command: Any) -> dict[str, Any]:
    """The options of a command by their names in a file: "batch-size" for `--batch-size`."""
    return {_name(one): one for one in command.params if one.param_type_name == "option"}


def _name(option: Any) -> str:
    return max(option.opts, key=len).lstrip("-")


def name_variables(command: Any, path: Key) -> None:
    """Let each option of a command, or of those of a group, be set by a variable such as MMRET_EVAL_BATCH_SIZE."""
    for name, one in commands(command).items():
        name_variables(one, (*path, name))
    for name, option in options(command).items():
        if option.envvar is None:  # after the option, not after its parameter, as click's automatic names are
            option.envvar = "_".join(("mmret", *path, name)).replace("-", "_").upper()
            option.show_envvar = False


def commands(command: Any) -> dict[str, Any]:
    """The commands of a group; a command has none."""
    return getattr(command, "commands", {})


def defaults(command: Any, path: Key, known: Collection[str]) -> dict[str, Any]:
    """What the files say of a command or a group, as click takes it: by the names of commands and parameters.

    `known` are the names of all commands. Raises `InputError` for a table that is no command, and for a key of this
    command that is no option.
    """
    said = configured()
    for key, setting in said.items():
        check_table(key, setting, known)
        if key[0] == path[0] and key[0] not in FOLDERS:
            find_option(command, key, setting)
    return _defaults(command, path, said)


def _defaults(command: Any, path: Key, said: dict[Key, Setting]) -> dict[str, Any]:
    if below := commands(command):
        return {name: _defaults(one, (*path, name), said) for name, one in below.items()}
    own = {
        option.name: [setting.value] if option.multiple and not isinstance(setting.value, list) else setting.value
        for name, option in options(command).items()
        if (setting := said.get((*path, name))) is not None
    }
    cache = configured_folder("cache")
    return own if cache is None else {"cache": str(cache)} | own


def check_table(key: Key, setting: Setting, known: Collection[str]) -> None:
    """Raise `InputError` where a key is neither a folder at the top of the file nor in the table of a command."""
    if key[0] in FOLDERS and len(key) > 1:
        raise InputError(f"{setting.file}: {key[0]} takes the path of a folder and is no table")
    if key[0] not in known and key[0] not in FOLDERS:
        raise _unknown(key[:1], setting, [*known, *FOLDERS])
    if len(key) == 1 and key[0] not in FOLDERS:
        raise InputError(f"{setting.file}: {key[0]} is a command and takes a table of its options, [{key[0]}]")


def find_option(command: Any, key: Key, setting: Setting) -> Any:
    """The option that a key means, of the command or group that the first part of the key names."""
    for depth, name in enumerate(key[1:-1], start=2):
        below = commands(command)
        if not below:
            raise InputError(f"{setting.file}: [{'.'.join(key[:-1])}] is no table of a command")
        if name not in below:
            raise _unknown(key[:depth], setting, below)
        command = below[name]
    found = options(command).get(key[-1])
    if found is None:
        raise _unknown(key, setting, [*commands(command)] or [*options(command)])
    if found.hide_input:
        raise _secret(key, setting, found.envvar)
    return found


def _unknown(key: Key, setting: Setting, known: Collection[str]) -> InputError:
    if _SECRET_WORDS & {*key[-1].replace("_", "-").lower().split("-")}:
        return _secret(key, setting, *SECRETS)
    table = f"[{'.'.join(key[:-1])}] " if key[1:] else ""
    return InputError(f"{setting.file}: {table}{unknown_name('key', key[-1], known)}")


def _secret(key: Key, setting: Setting, *variables: str) -> InputError:
    return InputError(
        f"{setting.file}: {'.'.join(key)}: secrets do not belong in a file; "
        f"set the environment variable: {' or '.join(variables)}"
    )


def origin(error: typer.BadParameter) -> str:
    """Where a faulty value comes from that was not given on the command line, to be put behind the message."""
    context, option = error.ctx, error.param
    if context is None or option is None:
        return ""
    source = context.get_parameter_source(option.name)
    if source is not None and source.name == "ENVIRONMENT":
        return f" (by the environment variable {option.envvar})"
    if source is not None and source.name == "DEFAULT_MAP":
        said = configured()
        setting = said.get((*_path(context), _name(option))) or said["cache",]
        return f" (by {setting.file})"
    return ""


def _path(context: Any) -> Key:
    """The names of the groups and the command of a context, without that of the program, which may be several words."""
    return () if context.parent is None else (*_path(context.parent), context.info_name)
