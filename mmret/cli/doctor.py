"""`mmret doctor`: what is here, what can run, and what decides how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import InputError, RunError, unknown_name
from .common import Json, show_json, show_mapping
from .configured import commands
from .doctor_machine import Finding, ask_torch, extras, folders, machine, programs, python
from .doctor_settings import settings, variables

if TYPE_CHECKING:
    from ..encoders import Spec


def doctor(
    ctx: typer.Context,
    require: Annotated[
        list[str] | None, typer.Option(help="Extra that must be complete, or exit code 1; repeat for several.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check what is installed, what can run here, and which settings are in force."""
    here = extras()
    for name in require or ():
        if name not in here:
            raise unknown_name("extra", name, here)
    asked = ask_torch()  # answers while the rest is looked at
    known = {name: one.load() for name, one in commands(ctx.find_root().command).items()}
    found = {
        "python": python(),
        "extras": here,
        "programs": programs(),
        "models": models(),
        "folders": _told(folders),
        "settings": _told(lambda: settings(known)),
        "environment": variables(known),
        "machine": machine(asked),
    }
    if as_json:
        show_json({section: {name: asdict(one) for name, one in rows.items()} for section, rows in found.items()})
    else:
        for section, rows in found.items():
            print(section)
            show_mapping({f"  {name}": _line(one) for name, one in rows.items()}, as_json=False)
    incomplete = {name: here[name] for name in require or () if not here[name].good}
    if incomplete:
        raise RunError("; ".join(f"{name} {one.found}: {one.mend}" for name, one in incomplete.items()))


def _told(look: Callable[[], dict[str, Finding]]) -> dict[str, Finding]:
    """What is found, or the fault in a configuration file that stands in the way."""
    try:
        return look()
    except InputError as error:
        return {"fault": Finding(str(error), False)}


def models() -> dict[str, Finding]:
    """Each model by name, and whether it can run here now."""
    from ..encoders import encoders

    try:
        known = encoders()
    except RunError as error:
        return {"all": Finding(str(error), False)}
    return {name: _model(one.spec) for name, one in known.items()}


def _model(spec: Spec) -> Finding:
    from ..encoders import lacking, missing_packages, missing_weights

    mend = lacking(spec)
    if missing := missing_packages(spec):
        return Finding(f"lacks {', '.join(missing)}", False, mend)
    if missing_weights(spec):
        return Finding("lacks its weights", False, mend)
    return Finding(f"ready; {mend}" if mend else "ready")


def _line(one: Finding) -> str:
    return f"{one.found}: {one.mend}" if one.mend else one.found
