"""The labels of a benchmark as they stood when it was added: all that scoring needs, and no text and no media."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from ...benchmarks import Benchmark, Ragged
from ...errors import InputError, RunError
from ...items import Item
from .files import DAMAGED


def save_answers(benchmark: Benchmark, path: Path) -> None:
    """Write the labels of a benchmark, without what its exclusion list names; equal labels make equal bytes."""
    usable = benchmark.usable()
    about = {
        "name": usable.name,
        "version": usable.version,
        "view": usable.view,
        "queries": [item.id for item in usable.queries],
        "documents": [item.id for item in usable.documents],
        "slices": list(usable.slices),
    }
    arrays: dict[str, Any] = {
        "about": np.frombuffer(json.dumps(about).encode(), np.uint8),
        "gains": usable.gains,
        **{f"slice {number}": members for number, members in enumerate(usable.slices.values())},
    }
    for name in ("positives", "galleries"):
        lists = getattr(usable, name)
        if lists is not None:
            arrays |= {f"{name} offsets": lists.offsets, f"{name} positions": lists.positions}
    if usable.source is not None:
        arrays["source"] = usable.source
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def load_answers(path: Path) -> Benchmark:
    """A benchmark of ids, whose items hold nothing. Raises `RunError` for a file that `save_answers` did not write."""
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            about = json.loads(file["about"].tobytes())
            return Benchmark(
                name=about["name"],
                version=about["version"],
                queries=[Item(one) for one in about["queries"]],
                documents=[Item(one) for one in about["documents"]],
                positives=_lists(file, "positives"),
                gains=file["gains"],
                galleries=_lists(file, "galleries") if "galleries offsets" in file else None,
                source=file.get("source"),
                slices={name: file[f"slice {number}"] for number, name in enumerate(about["slices"])},
                view=about["view"],
            )
    except (*DAMAGED, InputError) as error:
        raise RunError(f"{path}: no labels of a benchmark: {' '.join(str(error).split())}") from error


def _lists(file: Any, name: str) -> Ragged:
    return Ragged(file[f"{name} offsets"], file[f"{name} positions"])
