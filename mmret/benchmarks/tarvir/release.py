"""The release of TaR-ViR (Tab-ViR): JSON files whose keys are not documented, and pictures `{table_id}_{idx}.png`.

A further JSON file, an object of `{table_id}_{idx}` → `{headers, rows, url}` as its crawler writes it, gives the native
text; without one there is none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...errors import InputError
from ...items import Media, text_digest
from ..rows import KEY, VALUE, Row, read_rows, sample
from .fields import Field, FieldMap, text_of, texts_of, value_of
from .pictures import Pictures
from .questions import Questions
from .records import Corpus, Grid, Positive, TableRecord

CORPUS = "corpus_abs_with_ocr.json"
FILES = {"test": "test.json", "train": "train_triplet_abs_ocr_with_image.json"}
JUDGES = {"test": "human", "train": "model:Qwen2.5-VL-72B"}  # who last judged the labels, as the paper says
_FOLDERS = ("", "eval", "train", "data")

_CORPUS = {
    "id": Field((KEY, "table_id", "id", "_id", "tableId", "doc_id", "docid", "corpus_id", "image_id"), needed=True),
    "title": Field(("title", "table_title", "page_title", "document_title", "documentTitle", "abs_title", "tgt_title")),
    "ocr": Field(("ocr", "ocr_text", "table_ocr", "abs_ocr", "content", "text", "tgt_text", VALUE)),
    "image": Field(("image", "image_path", "img_path", "image_name", "img", "image_file", "tgt_img_path")),
}
_QUERIES = {
    "id": Field((KEY, "query_id", "qid", "question_id", "id", "_id")),
    "text": Field(("query", "question", "query_text", "text", "qry", "qry_text"), needed=True),
    "positives": Field(
        (
            *("positives", "positive", "pos", "gold_table_ids", "gold_tables", "gold", "positive_ids", "positive_id"),
            *("relevant_tables", "table_ids", "table_id", "tables", "table", "pos_table_id", "positive_table"),
            *("image", "images", "image_path"),
        ),
        needed=True,
    ),
}


def find_release(folder: Path) -> Path | None:
    """The file of the corpus; None when there is none."""
    return next((path for part in _FOLDERS if (path := folder / part / CORPUS).is_file()), None)


def read_release(folder: Path, split: str | None, field_map: FieldMap, cache: Path | None) -> Corpus:
    """Read the release from a folder.

    Parameters
    ----------
    split: "test" or "train".

    Raises `InputError` for a file that is missing or cut short, and for fields that no guess fits: with those found,
    and the map it would need.
    """
    corpus = find_release(folder)
    assert corpus is not None  # it is how the layout is recognised
    split = split or "test"
    if split not in FILES:
        raise InputError(f"{folder}: no split {split!r}; there are {', '.join(FILES)}")
    labels = next(
        (path for part in _FOLDERS if (path := folder / part / FILES[split]).is_file()), folder / FILES[split]
    )
    pictures = Pictures(folder, cache)
    names = field_map.find("corpus", _CORPUS, _sample(corpus))
    native = _sidecar(folder, corpus, names)

    def records() -> Iterator[TableRecord]:
        for row in read_rows(corpus):
            record = _record(row, names, pictures, folder)
            key = record.id if record.id in native else _picture_name(row, names).removesuffix(".png")
            yield replace(record, native=_grid(native[key])) if key in native else record

    questions = _questions(labels, field_map.find(split, _QUERIES, _sample(labels)), split)
    return Corpus(records, questions.all(), questions.faults)


def _sample(path: Path) -> Row:
    row = sample(path)
    if row is None:
        raise InputError(f"{path}: the file is empty")
    return row


def _record(row: Row, names: dict[str, str], pictures: Pictures, folder: Path) -> TableRecord:
    title, ocr = (text_of(value_of(row.fields, names[key])) if key in names else None for key in ("title", "ocr"))
    file = _picture_name(row, names)
    image = pictures.find(file) or (Media(folder / "images" / file) if pictures or "image" in names else None)
    return TableRecord(_id(row, names), title or "", None, ocr, image)


def _id(row: Row, names: dict[str, str]) -> str:
    found = texts_of(value_of(row.fields, names["id"]), row, "id")
    if len(found) != 1 or not found[0]:
        raise InputError(f"{row.where}: {names['id']!r} must be one name that is not empty")
    return found[0]


def _picture_name(row: Row, names: dict[str, str]) -> str:
    given = texts_of(value_of(row.fields, names["image"]), row, "image") if "image" in names else []
    return given[0] if given and given[0] else f"{_id(row, names)}.png"


def _questions(path: Path, names: dict[str, str], split: str) -> Questions:
    questions = Questions()
    for row in read_rows(path):
        text = text_of(value_of(row.fields, names["text"]))
        given = text_of(value_of(row.fields, names["id"])) if "id" in names else ""
        name = given or f"q-{text_digest(text)[:16]}"
        questions.add(name, text, row.where)
        for table in texts_of(value_of(row.fields, names["positives"]), row, "positives"):
            parts = table.removesuffix(".png").split("/")  # labels may name a table by its picture, in some folder
            spellings = tuple(dict.fromkeys([table, *("/".join(parts[i:]) for i in range(len(parts)))]))
            questions.answer(name, Positive(spellings, row.where, provenance=JUDGES[split]))
    return questions


def _sidecar(folder: Path, corpus: Path, names: dict[str, str]) -> dict[str, bytes]:
    """The native texts of the tables in the corpus, packed: the file may hold many more."""
    known = {corpus.name, *FILES.values()}
    files = [path for part in _FOLDERS for path in sorted((folder / part).glob("*.json")) if path.name not in known]
    files = [path for path in files if (row := sample(path)) and {KEY, "headers", "rows"} <= set(row.fields)]
    if not files:
        return {}
    wanted = set()
    for row in read_rows(corpus):
        wanted |= {_id(row, names), _picture_name(row, names).removesuffix(".png")}
    return {
        row.fields[KEY]: json.dumps(_cells(row)).encode()
        for path in files
        for row in read_rows(path)
        if row.fields[KEY] in wanted and row.fields.get("rows") is not None
    }


def _cells(row: Row) -> list[Any]:
    """Headers and rows as they stand there."""
    headers, rows = row.fields.get("headers") or [], row.fields["rows"]
    if not all(isinstance(one, list) for one in (headers, rows, *(rows if isinstance(rows, list) else ()))):
        raise InputError(f"{row.where}: 'headers' must be a list, and 'rows' a list of lists")
    return [headers, rows]


def _grid(packed: bytes) -> Grid:
    headers, rows = json.loads(packed)
    return Grid(list(map(_cell, headers)), [list(map(_cell, row)) for row in rows])


def _cell(value: Any) -> str:
    return "" if value is None else str(value)
