"""Files to documents: HTML, CSV, Parquet, JSON lines with HTML or with the tables of NQ-TABLES, and PDF."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ...errors import InputError, MmretError
from ...items import Media
from ...media import Fault
from ...tables import Table
from . import paper
from .documents import Document, PdfPage
from .manifest import MANIFEST

csv.field_size_limit(2**31 - 1)


def read_documents(paths: Iterable[Path]) -> Iterator[Document]:
    """The documents in files and folders, one after the other as they are read; manifests in folders are passed over.

    The id of a file is its name without the ending, in a folder with the path to it; page 3 of a PDF file is `name#3`;
    lines of JSON have ids of their own. What cannot be read becomes a document with a `Fault`. Raises `InputError` for
    a path that is not there or of an unknown kind.
    """
    files = [found for path in paths for found in _files(path)]
    for file, name in files:
        try:
            yield from READERS[file.suffix.lower()](file, name)
        except (OSError, ValueError, MmretError) as error:
            yield Document(name, Fault(f"{file}: {' '.join(str(error).split())}"))


def _files(path: Path) -> list[tuple[Path, str]]:
    """Files that can be read, and the id of each."""
    kinds = ", ".join(READERS)
    if path.is_dir():
        # A manifest that grows while it is read, because pictures are drawn into the same folder, would have no end.
        files = (one for one in path.rglob("*") if one.suffix.lower() in READERS and one.name != MANIFEST)
        found = sorted(one for one in files if one.is_file())
        if not found:
            raise InputError(f"{path}: no file in it ends with {kinds}")
        return [(one, one.relative_to(path).with_suffix("").as_posix()) for one in found]
    if not path.is_file():
        raise InputError(f"{path}: no such file or folder")
    if path.suffix.lower() not in READERS:
        raise InputError(f"{path}: what it holds is known by its ending, which must be one of {kinds}")
    return [(path, path.stem)]


def _html(file: Path, name: str) -> Iterator[Document]:
    yield Document(name, file.read_text(encoding="utf-8-sig"))


def _csv(file: Path, name: str) -> Iterator[Document]:
    separator = "\t" if file.suffix.lower() == ".tsv" else ","
    with file.open(encoding="utf-8-sig", newline="") as lines:
        try:
            rows = list(csv.reader(lines, delimiter=separator, strict=True))
        except csv.Error as error:
            raise ValueError(f"no CSV: {error}") from error
        if not rows:
            raise ValueError("the file is empty")
        yield _table(name, rows[0], rows[1:])


def _parquet(file: Path, name: str) -> Iterator[Document]:
    from pyarrow import parquet

    table = parquet.read_table(file)
    columns = [column.to_pylist() for column in table.columns]
    yield _table(name, table.column_names, zip(*columns, strict=True))


def _pages(file: Path, name: str) -> Iterator[Document]:
    media = Media(file.absolute())
    for number in range(1, paper.count_pages(file) + 1):
        yield Document(f"{name}#{number}", PdfPage(media, number))


def _lines(file: Path, name: str) -> Iterator[Document]:
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield _line(line, f"{name}:{number}")


def _line(line: bytes, where: str) -> Document:
    try:
        document = _parsed(json.loads(line))
        f"{document.id}{document.content}".encode()  # JSON can hold halves of characters, which nobody can draw
        return document
    except (KeyError, TypeError, AttributeError) as error:
        wanted = "html and id, or tableId, columns[].text and rows[].cells[].text"
        return Document(where, Fault(f"{where}: {error} is missing or wrong; a line needs {wanted}"))
    except ValueError as error:
        return Document(where, Fault(f"{where}: {error}"))


def _parsed(line: Any) -> Document:
    """The document of a JSON line: `html` with `id` or `_id`, or a table of NQ-TABLES, which questions may hold too."""
    if "html" in line:
        return Document(str(line["_id"] if "_id" in line else line["id"]), str(line["html"]))
    table = line.get("table", line)
    headers = [cell["text"] for cell in table["columns"]]
    return _table(str(table["tableId"]), headers, [[cell["text"] for cell in row["cells"]] for row in table["rows"]])


def _table(name: str, headers: Iterable[Any], rows: Iterable[Iterable[Any]]) -> Document:
    return Document(name, Table.from_rows([*headers], [[*row] for row in rows]).to_html())


READERS: Mapping[str, Callable[[Path, str], Iterator[Document]]] = {
    ".html": _html,
    ".htm": _html,
    ".csv": _csv,
    ".tsv": _csv,
    ".parquet": _parquet,
    ".jsonl": _lines,
    ".pdf": _pages,
}
