"""The original layout: `omnicvr.jsonl`, one object a query with source, target, instruction and candidates."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ..ragged import Ragged
from .labels import Labels

NAME = "omnicvr.jsonl"
_TEXTS = ("source_id", "target_id", "instruction")


def read_original(path: Path) -> Labels:
    """Read `omnicvr.jsonl`; fields it does not need are left alone.

    The documents are the clips that the file names. It does not tell the type of a query, and the place of a row is no
    evidence of it. Raises `InputError` naming the line for what is no such row.
    """
    number: defaultdict[str, int] = defaultdict()
    number.default_factory = number.__len__
    columns: dict[str, list[str]] = {key: [] for key in _TEXTS}
    galleries = []
    for row in _rows(path):
        for key, column in columns.items():
            column.append(row[key])
        galleries.append(np.fromiter(map(number.__getitem__, row["candidates"]), np.int32, len(row["candidates"])))
    if not galleries:
        raise InputError(f"{path}: the file is empty")
    source = np.asarray([number[name] for name in columns["source_id"]], np.int32)
    target = np.asarray([[number[name]] for name in columns["target_id"]], np.int32)
    return Labels(
        documents=list(number),
        source=source,
        source_id=columns["source_id"],
        text=columns["instruction"],
        positives=Ragged.of(list(target)),
        gains=np.ones(len(target)),
        galleries=Ragged.of(galleries),
    )


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                raise InputError(f"{path}:{number}: not JSON: {error}") from None
            _check(row, f"{path}:{number}")
            yield row


def _check(row: Any, where: str) -> None:
    if not isinstance(row, dict):
        raise InputError(f"{where}: not a JSON object")
    for key in _TEXTS:
        if not isinstance(row.get(key), str) or not row[key]:
            raise InputError(f"{where}: {key!r} must be a text that is not empty, not {row.get(key)!r}")
    candidates = row.get("candidates")
    if not isinstance(candidates, list) or set(map(type, candidates)) != {str}:
        raise InputError(f"{where}: 'candidates' must be a list of clip names")
