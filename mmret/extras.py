"""Packages that come with an extra of mmret, and may be missing."""

from __future__ import annotations

from importlib.util import find_spec

from .errors import InputError


def need(what: str, extra: str, *packages: str) -> None:
    """Raise `InputError` where packages are not installed, with the command that installs them.

    Parameters
    ----------
    what: that cannot be done without them.
    extra: the extras of mmret that bring them, separated by commas.
    packages: importable names, of top-level packages.
    """
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise InputError(f"{what} needs {', '.join(missing)}; install with: pip install 'mmret[{extra}]'")
