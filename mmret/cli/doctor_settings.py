"""What `mmret doctor` says of settings: which are in force, and where each comes from."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from ..config import FOLDERS, Key, config_files, configured, read
from ..errors import unknown_name
from ..paths import cache_folder, data_folder
from .configured import SECRETS, check_table, commands, find_option, options
from .doctor_machine import Finding

OF_OTHERS = ("CUDA_VISIBLE_DEVICES", "HF_ENDPOINT", "HF_HOME", "HF_HUB_OFFLINE", "OMP_NUM_THREADS", "RAY_ADDRESS")
"""Environment variables of other programs that decide what mmret does."""


def settings(known: Mapping[str, Any]) -> dict[str, Finding]:
    """The files, the two folders, and each option that a file sets; `known` are all commands by name.

    Raises `InputError` for a file that is none, and for a key in it that mmret does not know.
    """
    said = configured()
    for key, setting in said.items():
        check_table(key, setting, known)
    chosen = {key: find_option(known[key[0]], key, said[key]) for key in said if key[0] not in FOLDERS}
    places = {"cache": cache_folder(), "data": data_folder()}
    found = {str(file): Finding("not there" if read(file) is None else "read") for file in config_files()}
    for name, place in places.items():
        origin = said[name,].file if (name,) in said else "default"
        found[name] = Finding(f"{place}, by {_overruled(f'MMRET_{name.upper()}') or origin}")
    for key, option in chosen.items():
        origin = f"{said[key].value}, by {said[key].file}"
        by = _overruled(option.envvar)
        found[f"[{'.'.join(key[:-1])}] {key[-1]}"] = Finding(f"{origin}; overruled by {by}" if by else origin)
    return found


def _overruled(variable: str) -> str:
    """The environment variable if it is set, and so weighs more than a file."""
    return variable if os.environ.get(variable) else ""


def variables(known: Mapping[str, Any]) -> dict[str, Finding]:
    """The environment variables that matter; of secrets only whether they are set."""
    from huggingface_hub.constants import HF_HUB_OFFLINE

    sets = {option.envvar: f"--{key[-1]} of mmret {' '.join(key[:-1])}" for key, option in _all(known)}
    sets |= {f"MMRET_{name.upper()}": f"the folder for the {name}" for name in FOLDERS}
    found = {"offline": Finding("yes, the Hub is not asked" if HF_HUB_OFFLINE else "no, the Hub may be asked")}
    found |= {name: Finding(os.environ[name]) for name in OF_OTHERS if name in os.environ}
    found |= {name: Finding("set" if os.environ.get(name) else "not set") for name in SECRETS}
    for name in sorted(name for name in os.environ if name.startswith("MMRET_") and name not in SECRETS):
        if name in sets:
            found[name] = Finding(f"{os.environ[name]}, {sets[name]}")
        else:
            found[name] = Finding("no option is called so", False, str(unknown_name("variable", name, sets)))
    return found


def _all(known: Mapping[str, Any], above: Key = ()) -> Iterator[tuple[Key, Any]]:
    """All options, each with its key in a file."""
    for name, command in known.items():
        yield from _all(commands(command), (*above, name))
        yield from (((*above, name, key), option) for key, option in options(command).items())
