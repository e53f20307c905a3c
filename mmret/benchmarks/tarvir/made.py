"""What was made for a corpus and lies beside it: pictures by `mmret render`, text read off pictures by `mmret ocr`.

`manifest.jsonl` names the picture of each id, as a path relative to it, and `ocr.jsonl` holds the text of each id. They
count before what the corpus itself has: somebody made them on purpose.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ...items import Media
from .records import Corpus, TableRecord
from .rows import read_rows

PICTURES, TEXTS = "manifest.jsonl", "ocr.jsonl"


def with_made(corpus: Corpus, folder: Path) -> Corpus:
    """The corpus with what lies beside it in `folder`; where nothing does, as it is.

    Raises `InputError` for lines that are no JSON.
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
    if not path.is_file():
        return {}
    return {str(row.fields["id"]): row.fields[name] for row in read_rows(path) if row.fields.get(name) is not None}
