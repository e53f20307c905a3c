"""Checks a built benchmark from the files on disk, and sums it up."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from mmret.tables import Table

MAX_BYTES = 15_000_000
EASY, HARD = 0.25, 1.0
LEAST = {"tables": 200, "merged": 60, "pictured": 40, "easy": 20, "medium": 20, "hard": 20, "queries": 150}


class CheckError(Exception):
    """Something about the built benchmark is not as it must be."""


def check_benchmark(folder: Path, viewport: Sequence[int], queries: int) -> str:
    """Check sizes and counts and give a summary of several lines."""
    rows = [json.loads(line) for line in (folder / "corpus.jsonl").read_text(encoding="utf-8").splitlines()]
    counts = Counter({"tables": len(rows), "queries": queries})
    for row in rows:
        counts.update(traits(row, folder, viewport))
    short = {name: counts[name] for name, least in LEAST.items() if counts[name] < least}
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    if short or size > MAX_BYTES:
        raise CheckError(f"too few {short}, or too large: {size:,} bytes of {MAX_BYTES:,}")
    lines = [f"{name}: {count}" for name, count in sorted(counts.items())]
    return "\n".join([*lines, f"bytes: {size:,}"])


def traits(row: dict[str, Any], folder: Path, viewport: Sequence[int]) -> list[str]:
    """What a table counts as: its band of area, merged cells or several header rows, pictures in cells."""
    table = Table.from_html(row["html"], row["title"])
    cells = [cell for cells in table.rows for cell in cells]
    with Image.open(folder / row["image"]) as picture:
        windows = picture.width * picture.height / (viewport[0] * viewport[1])
    found = ["easy" if windows < EASY else "hard" if windows > HARD else "medium"]
    if table.header_depth > 1 or any(cell.rows > 1 or cell.columns > 1 for cell in cells):
        found.append("merged")
    if any(cell.pictures for cell in cells):
        found.append("pictured")
    return found
