"""How far what was read is from the native text: edits a character, and cells and words found."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any

from ...errors import InputError
from ...tables import Table
from .sources import row_id

Cells = Sequence[Sequence[str]]


@dataclass(frozen=True)
class Distance:
    """How one page differs from the native table. Text is in Unicode's NFKC form, white space collapsed.

    Parameters
    ----------
    cer: character error rate: Levenshtein distance over the native length, rows and cells in reading order parted by
        spaces; above 1 where more is read than there is.
    cells: share of the native cells with text that are found as cells, in any order, each as often as it occurs. A cell
        on several lines is several for an engine that finds lines.
    words: the same of words, whatever cells they stand in.
    """

    cer: float
    cells: float
    words: float


def distance(native: Cells, read: Cells) -> Distance:
    """Compare rows of cells. Raises `InputError` when the native ones hold no text."""
    from rapidfuzz.distance import Levenshtein

    expected, found = _texts(native), _texts(read)
    if not expected:
        raise InputError("the native table holds no text to compare with")
    truth, text = " ".join(expected), " ".join(found)
    return Distance(
        Levenshtein.distance(truth, text) / len(truth),
        _recall([_dense(cell) for cell in expected], [_dense(cell) for cell in found]),
        _recall(truth.split(), text.split()),
    )


def summarise(distances: Sequence[Distance]) -> dict[str, dict[str, Any]]:
    """Mean with its 95 % interval over pages, and median, of each figure."""
    from ...evaluation.statistics import interval

    values = {name: [asdict(one)[name] for one in distances] for name in Distance.__annotations__}
    return {
        name: {"n": len(each), "mean": fmean(each), "interval": interval(each), "median": median(each)}
        for name, each in values.items()
    }


def native_cells(path: Path, wanted: Iterable[str]) -> Mapping[str, Cells]:
    """Rows of cells by id, from the `html` of `corpus.jsonl` or of another file of JSON lines; merged cells once.

    Rows without HTML and tables without text are left out. Raises `InputError` for HTML without a table, and where
    nothing is left.
    """
    from ...benchmarks.rows import read_rows

    ids = set(wanted)
    found = {}
    for row in read_rows(path):
        name, html = row_id(row), row.fields.get("html")
        if name in ids and isinstance(html, str) and html.strip():
            try:
                rows = [[cell.text for cell in cells] for cells in Table.from_html(html).rows]
            except InputError as error:
                raise InputError(f"{row.where}: {name!r}: {error}") from None
            if _texts(rows):
                found[name] = rows
    if not found:
        raise InputError(f"{path}: no row with a table as html for any picture; ids must be those of the input")
    return found


def _texts(cells: Cells) -> list[str]:
    """The cells with text, in reading order, normalised."""
    texts = (" ".join(unicodedata.normalize("NFKC", cell).split()) for row in cells for cell in row)
    return [text for text in texts if text]


def _dense(text: str) -> str:
    """Without spaces: engines disagree on those inside a cell."""
    return text.replace(" ", "")


def _recall(expected: Sequence[str], found: Sequence[str]) -> float:
    return (Counter(expected) & Counter(found)).total() / len(expected)
