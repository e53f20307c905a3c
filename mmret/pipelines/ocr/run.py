"""The job of `mmret ocr`: pictures in, a file of JSON lines and a summary out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from ...errors import InputError
from ...paths import refuse_file
from ...whole import whole
from .base import identity
from .engines import create_engine
from .read import TIME_LIMIT, Reading, read_pictures
from .score import Distance, distance, native_cells, summarise
from .sources import pictures_of


@dataclass
class Summary:
    """What came of a run.

    Parameters
    ----------
    pictures: how many were asked for.
    read, known: how many this run read, and how many an earlier one had.
    without_text, cut: pages without any text, and pages whose engine stopped before the end.
    seconds: mean time a page took when it was read.
    failed: why a picture could not be read, by its id.
    distances: each figure of `Distance` with n, mean, interval and median; empty without native tables.
    """

    pictures: int = 0
    read: int = 0
    known: int = 0
    without_text: int = 0
    cut: int = 0
    seconds: float = 0.0
    failed: dict[str, str] = field(default_factory=dict)
    distances: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def run_ocr(
    given: Path,
    output: Path,
    *,
    engine: str = "rapidocr",
    workers: int | None = None,
    against: Path | None = None,
    cache: Path | None = None,
    time_limit: float = TIME_LIMIT,
    ray: str | None = None,
    show: bool = False,
) -> Summary:
    """Read the pictures that `given` means (see `pictures_of`) and write a line for each, in their order.

    A line holds `id`, `image`, `sha256`, `engine`, `version`, `settings`, and either `seconds`, `width`, `height`,
    `lines`, `text` (and `html`, `cut` where the engine writes HTML) or, for a picture that failed, `error`. The file
    is written whole or not at all.

    Parameters
    ----------
    against: JSON lines with `html` by the same ids: native tables to compare with.

    Others as of `read_pictures`. Raises `InputError` for input that makes no sense, `RunError` where nothing can be
    written.
    """
    if output.is_dir():
        raise InputError(f"{output}: a folder; name a file of JSON lines")
    refuse_file(output.parent)
    sources = pictures_of(given)
    natives = {} if against is None else native_cells(against, [source.id for source in sources])
    about = identity(create_engine(engine))
    readings = read_pictures(
        [source.path for source in sources],
        engine,
        workers=workers,
        cache=cache,
        time_limit=time_limit,
        ray=ray,
        show=show,
    )
    summary, seconds, distances = Summary(pictures=len(sources)), [], list[Distance]()
    with (
        whole(output, way_out="what was read is kept") as part,
        # Half a character, as a file's name may hold, becomes the sign that JSON has for it.
        part.open("w", encoding="utf-8", errors="backslashreplace") as file,
    ):
        for source, reading in zip(sources, readings, strict=True):
            _count(summary, source.id, reading)
            if reading.page is not None:
                seconds.append(reading.seconds)
                if source.id in natives:
                    distances.append(distance(natives[source.id], reading.page.cells))
            row = {"id": source.id, "image": str(source.path), "sha256": reading.sha256, **about, **_page(reading)}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    summary.seconds = fmean(seconds) if seconds else 0.0
    summary.distances = summarise(distances) if distances else {}
    return summary


def _page(reading: Reading) -> dict[str, Any]:
    """A line's part that the picture decides."""
    if reading.page is None:
        return {"error": reading.fault}
    return {"seconds": reading.seconds, **reading.page.describe(), "text": reading.page.text}


def _count(summary: Summary, name: str, reading: Reading) -> None:
    if reading.page is None:
        summary.failed[name] = reading.fault
        return
    summary.known += reading.known
    summary.read += not reading.known
    summary.cut += reading.page.cut
    summary.without_text += not reading.page.text
