"""All that can be said of a submission without the labels, whatever the file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import InputError
from .description import Description
from .envelope import RefusedError, inspect
from .footer import Footer
from .form import COLUMNS, DESCRIPTION_BYTES, ENTRY
from .ground import Ground
from .report import SHOWN, Fault, Report, visible

if TYPE_CHECKING:
    from .rows import Rows

MAX_BYTES = 200_000_000
MAX_ENTRIES = 60_000_000
_NONE = "the file has no description; make it: mmret submit pack"


def check(path: Path, ground: Ground, *, max_bytes: int = MAX_BYTES, max_entries: int = MAX_ENTRIES) -> Report:
    """All faults of a submission at once; it raises nothing, whatever the file holds.

    A few hundred megabytes of memory are enough for any file, because what it claims is bounded before it is unpacked.

    Parameters
    ----------
    max_bytes, max_entries: of the file.
    """
    entries, digest = 0, ""
    try:
        footer, faults = inspect(path, max_bytes, max_entries)
    except RefusedError as error:
        return Report([error.fault])
    description, wrong = _described(footer)
    if not faults:
        try:
            rows = _read_rows(path, footer.rows, ground)
            entries, digest, faults = rows.entries, rows.digest, list(rows.faults())
            if description is not None:
                faults += _contradictions(description, ground, rows)
        except RefusedError as error:
            faults = [error.fault]
    return Report(sorted(faults + wrong, key=lambda fault: fault.severity), description, entries, digest)


def read_description(path: Path) -> Description:
    """The description in a file. Raises `InputError` where there is none."""
    try:
        footer, _ = inspect(path, MAX_BYTES, MAX_ENTRIES)
    except RefusedError as error:
        raise InputError(f"{path}: no submission: {error}") from None
    description, faults = _described(footer)
    if description is None:
        raise InputError(f"{path}: no submission: {faults[0]}")
    return description


def _described(footer: Footer) -> tuple[Description | None, list[Fault]]:
    """The description, None where it cannot be read, and what is wrong with it."""
    text = dict(footer.entries).get(ENTRY.encode())
    return (None, [Fault("no-description", "error", _NONE)]) if text is None else _parsed(text)


def _parsed(text: bytes) -> tuple[Description | None, list[Fault]]:
    from pydantic import ValidationError

    if len(text) > DESCRIPTION_BYTES:
        message = f"a description of {len(text):,} bytes; the most is {DESCRIPTION_BYTES:,}"
        return None, [Fault("description", "error", message)]
    try:
        description = Description.model_validate_json(text)
    except ValidationError as error:
        wrong = [_said(one) for one in error.errors(include_url=False, include_context=False, include_input=False)]
        return None, [Fault("description", "error", "the description is wrong", wrong[:SHOWN], len(wrong))]
    lacking = description.undeclared
    message = "the description does not say"
    return description, [Fault("undeclared", "warning", message, lacking[:SHOWN], len(lacking))] if lacking else []


def _said(error: Any) -> str:
    """One error of pydantic's: where, and what."""
    place = ".".join(map(str, error["loc"]))
    return visible(f"{place}: {error['msg']}" if place else error["msg"])


def _read_rows(path: Path, expected: int, ground: Ground) -> Rows:
    """All entries, looked at. Raises `RefusedError` where the pages cannot be unpacked."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from .rows import BATCH, Rows

    rows = Rows(ground)
    try:
        with pq.ParquetFile(
            path,
            read_dictionary=COLUMNS[:2],
            pre_buffer=False,
            page_checksum_verification=True,
        ) as file:
            for batch in file.iter_batches(BATCH):
                rows.add(batch)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise RefusedError("damaged", f"entries cannot be read: {visible(' '.join(str(error).split()))}") from None
    if rows.entries != expected:
        raise RefusedError("damaged", f"{rows.entries:,} entries where the footer says {expected:,}")
    return rows


def _contradictions(description: Description, ground: Ground, rows: Rows) -> Iterator[Fault]:
    said = description.benchmark
    if said.digest != ground.digest:
        yield Fault(
            "other-benchmark",
            "error",
            f"made for {said.name} {said.version} with the digest {said.digest[:12]}, not for {ground.name} "
            f"{ground.version} with {ground.digest[:12]}; evaluate on the benchmark as the board has it",
        )
    if said.view != ground.view:
        yield Fault("other-view", "error", f"tables were shown as {said.view!r}, and not as {ground.view!r}")
    run = description.run
    differs = rows.digest and (run.digest, run.queries) != (rows.digest, int(np.count_nonzero(rows.listed)))
    if run.entries != rows.entries or differs:
        message = "the run is not the one described: changed after it was packed; pack it again"
        yield Fault("run-digest", "error", message)
