"""The original layout: `omnicvr.jsonl`, one object a query with source, target, instruction and candidates."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np

from ...errors import InputError
from ..ragged import Ragged
from ..rows import Row, read_rows
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
    for row in read_rows(path):
        _check(row)
        for key, column in columns.items():
            column.append(row.fields[key])
        candidates = row.fields["candidates"]
        galleries.append(np.fromiter(map(number.__getitem__, candidates), np.int32, len(candidates)))
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


def _check(row: Row) -> None:
    for key in _TEXTS:
        value = row.fields.get(key)
        if not isinstance(value, str) or not value:
            raise InputError(f"{row.where}: {key!r} must be a text that is not empty, not {value!r}")
    candidates = row.fields.get("candidates")
    if not isinstance(candidates, list) or set(map(type, candidates)) != {str}:
        raise InputError(f"{row.where}: 'candidates' must be a list of clip names")
