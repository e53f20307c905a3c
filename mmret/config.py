"""The configuration file: what a user says once, in TOML, and no command line repeats.

`mmret.toml` in the working folder weighs more than the user's own file, and both have one form: at the top `cache` and
`data`, the counterparts of MMRET_CACHE and MMRET_DATA; below, tables named as the commands, such as `[eval]` or
`[benchmarks.show]`, with their options as keys. A path that begins with `~/` lies in the user's home.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from .errors import InputError

FOLDERS = ("cache", "data")
"""The keys at the top of a file."""

Key = tuple[str, ...]
"""A key below the tables it stands in, such as ("benchmarks", "show", "data")."""


class Setting(NamedTuple):
    """What a file says of a key."""

    value: Any
    file: Path


def config_files() -> list[Path]:
    """Where a file may stand, the weightiest first."""
    from platformdirs import user_config_path

    return [Path("mmret.toml").absolute(), user_config_path("mmret") / "config.toml"]


def configured() -> dict[Key, Setting]:
    """What the files say, each key by the weightiest file that has it; raises `InputError` for one that is no TOML."""
    said: dict[Key, Setting] = {}
    for file in reversed(config_files()):
        said |= {key: Setting(value, file) for key, value in _keys(read(file) or {})}
    return said


def configured_folder(name: str) -> Path | None:
    """The folder that `cache` or `data` names, None where no file does; a relative path begins at the file's folder."""
    setting = configured().get((name,))
    if setting is None:
        return None
    if not isinstance(setting.value, str) or not setting.value:
        raise InputError(f"{setting.file}: {name} takes the path of a folder, not {setting.value!r}")
    return setting.file.parent / setting.value


@cache  # a run goes on with the settings it began with
def read(file: Path) -> Mapping[str, Any] | None:
    """The content of a file, None where there is none."""
    import tomllib

    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}") from error
    except ValueError as error:  # no TOML, or no UTF-8
        raise InputError(f"{file}: {error}") from error


def _keys(table: Mapping[str, Any], above: Key = ()) -> Iterator[tuple[Key, Any]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _keys(value, (*above, name))
        else:
            yield (*above, name), _at_home(value)


def _at_home(value: Any) -> Any:
    """The value, as a shell would have given it."""
    if isinstance(value, list):
        return [_at_home(one) for one in value]
    return str(Path(value).expanduser()) if isinstance(value, str) and value.startswith("~/") else value
