"""What people say of a submission, where nothing else can know it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import InputError, unknown_name

DECLARED = (
    "model",
    "authors",
    "organisation",
    "paper",
    "code",
    "training_data",
    "saw_benchmark",
    "settings",
    "cost",
    "notes",
)
"""Fields of a `Description` that may be declared; the others are worked out."""


def read_declared(path: Path) -> dict[str, Any]:
    """Fields of a `Description` out of a JSON file. Raises `InputError` for what cannot be declared."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: the description cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise InputError(f"{path}: not JSON: {error}") from None
    if not isinstance(said, dict):
        raise InputError(f'{path}: not a JSON object such as {{"authors": ["A. Author"], "model": {{"link": "…"}}}}')
    for name in said:
        if name not in DECLARED:
            raise unknown_name(f"field in {path}", name, DECLARED)
        if name in ("model", "settings", "cost") and not isinstance(said[name], dict):
            raise InputError(f"{path}: {name!r} must be a JSON object")
    return said


def joined(facts: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """`facts` with what is said in their place, within `model`, `settings` and `cost` field by field."""
    inside = {name: {**facts[name], **value} for name, value in said.items() if isinstance(facts.get(name), dict)}
    return {**facts, **said, **inside}
