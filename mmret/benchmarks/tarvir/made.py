"""What was made for a corpus and lies beside it: pictures by `mmret render`, text read off pictures by `mmret ocr`.

`manifest.jsonl` names the picture of each id, as a path relative to it, and `ocr.jsonl` holds the text of each id. They
count before what the corpus itself has: somebody made them on purpose.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ...errors import InputError
from ...items import Media
from ..rows import read_rows
from .records import Corpus, TableRecord

PICTURES, TEXTS = "manifest.jsonl", "ocr.jsonl"


def with_made(corpus: Corpus, folder: Path) -> Corpus:
    """The corpus with what lies beside it in `folder`; where nothing does, as it is.

    Raises `InputError` for lines that are no JSON, or name no table.
    """
    pictures = _column(folder / PICTURES, "file")
    texts = _column(folder / TEXTS, "text")
    if not pictures and not texts:
        return corpus

    def records() -> Iterator[TableRecord]:
        for record in corpus.records():
            image = Media(folder.absolute() / pictures[record.id]) if record.id in pictures else record.image
            yield replace(record, image=image, ocr=texts.get(record.id, record.ocr))

    return replace(corpus, records=records)


def _column(path: Path, name: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for row in read_rows(path) if path.is_file() else ():
        value = row.fields.get(name)
        if value is None:  # could not be drawn or read
            continue
        if "id" not in row.fields or not isinstance(value, str):
            raise InputError(f"{row.where}: must have 'id', the name of a table, and {name!r}, a text")
        found[str(row.fields["id"])] = value
    return found
