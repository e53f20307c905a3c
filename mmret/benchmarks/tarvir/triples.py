"""Corpus, queries and qrels: the store of BEIR, of ViDoRe, Jina-VDR, VisRAG, of NQ-TABLES's re-issue, and mmret's own.

Each of the three is a folder of Parquet, JSON-lines or tab-separated files, or one such file: `corpus` or `corpus_md`,
`queries` or `{split}_queries`, `qrels` or `{split}_qrels`. Columns, by their most usual names:

- corpus `_id`; and any of `title`; `html` or `text`, the native text; `ocr`; `image`, a path relative to the folder
  (which may lead into a tar), or the bytes of a picture.
- queries `_id`, `text`, and optionally `labels`, the slices a query is in.
- qrels `query-id`, `corpus-id`, and optionally `score`, of which 0 or less is no answer, and `provenance`.

Where a title is empty and the text begins with a Markdown heading, the heading is the title. A `benchmark.json` with
`"layout": "tables"` gives name, version and further facts; with `"labels": "hidden"` there are no qrels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...errors import InputError, first_ten
from ...items import Media
from ..composed import labels_hidden
from ..files import Files
from ..rows import SUFFIXES, Row, read_rows, sample
from .fields import Field, FieldMap, text_of, texts_of, value_of
from .pictures import unpack_column
from .questions import Questions
from .records import Corpus, Html, Plain, Positive, TableRecord

LAYOUT = "tables"
_CORPUS_NAMES = ("corpus", "corpus_md")
_CORPUS = {
    "id": Field(("_id", "corpus-id", "corpus_id", "id", "did", "docid"), needed=True),
    "title": Field(("title",)),
    "html": Field(("html",)),
    "text": Field(("text", "markdown", "text_description")),
    "ocr": Field(("ocr", "ocr_text", "text_ocr")),
    "image": Field(("image",)),
}
_QUERIES = {
    "id": Field(("_id", "query-id", "query_id", "id", "qid"), needed=True),
    "text": Field(("text", "query", "question"), needed=True),
    "labels": Field(("labels",)),
}
_QRELS = {
    "query": Field(("query-id", "qid", "query_id"), needed=True),
    "document": Field(("corpus-id", "did", "corpus_id", "docid"), needed=True),
    "score": Field(("score", "relevance")),
    "provenance": Field(("provenance",)),
}


def is_triple(folder: Path, *, hidden: bool = False) -> bool:
    """Whether corpus, queries and qrels are all here; where labels are hidden, the first two."""
    has_queries = bool(_files(folder, "queries")) or any(folder.glob("*_queries*"))
    return any(_files(folder, name) for name in _CORPUS_NAMES) and has_queries and (hidden or bool(_splits(folder)))


def read_triple(
    folder: Path, split: str | None, field_map: FieldMap, cache: Path | None, about: Mapping[str, Any]
) -> Corpus:
    """Read a folder.

    Parameters
    ----------
    split: None for "test", or for the only one.

    Raises `InputError` for missing files, columns and splits.
    """
    corpus = files_of(folder)
    qrels = _splits(folder)
    if labels_hidden(about, folder):
        if qrels:
            raise InputError(
                f"{folder}: benchmark.json says that labels are hidden, and yet qrels are here; remove them"
            )
        qrels = {"test": []}
    chosen = split or ("test" if "test" in qrels or len(qrels) != 1 else next(iter(qrels)))
    if chosen not in qrels:
        raise InputError(f"{folder}: no split {chosen!r}; there are {first_ten(sorted(qrels))}; name one with --split")
    files = _files(folder, f"{chosen}_queries") or _files(folder, "queries")
    own = [path for path in files if _split_of(path) == chosen]
    questions = Questions()
    for row, names in _named(own or files, "queries", _QUERIES, field_map):
        name, text = (text_of(value_of(row.fields, names[key])) for key in ("id", "text"))
        if not name:
            raise InputError(f"{row.where}: {names['id']!r} must not be empty")
        labels = value_of(row.fields, names["labels"]) if "labels" in names else None
        questions.add(name, text, row.where, texts_of(labels, row, "labels"))
    for query, positive in _labels(qrels[chosen], field_map):
        if positive.grade > 0:
            questions.answer(query, positive)
    others = [path for name, paths in qrels.items() if name != chosen for path in paths]
    questions.keep_answered({query for query, _ in _labels(others, field_map)})
    return Corpus(lambda: _records(corpus, folder, field_map, cache), questions.all(), questions.faults, about)


def files_of(folder: Path) -> list[Path]:
    """The files of the corpus."""
    return next(files for name in _CORPUS_NAMES if (files := _files(folder, name)))


def _files(folder: Path, name: str) -> list[Path]:
    inside = [path for path in sorted((folder / name).rglob("*")) if path.suffix in SUFFIXES]
    return inside or [path for suffix in SUFFIXES if (path := folder / f"{name}{suffix}").is_file()]


def _split_of(path: Path) -> str:
    """`test` of `test.tsv` and of `test-00000-of-00001.parquet`."""
    return path.stem.partition("-")[0]


def _splits(folder: Path) -> dict[str, list[Path]]:
    """The files of labels by split."""
    found: dict[str, list[Path]] = {}
    for path in _files(folder, "qrels"):
        found.setdefault(_split_of(path), []).append(path)
    for path in sorted(folder.glob("*_qrels*")):
        name = path.name.partition("_qrels")[0]
        found[name] = _files(folder, f"{name}_qrels")
    return found


def _named(
    files: Sequence[Path], section: str, fields: Mapping[str, Field], field_map: FieldMap
) -> Iterator[tuple[Row, dict[str, str]]]:
    """The rows of files, and how their fields are called."""
    for path in files:
        names = _names(path, section, fields, field_map)
        for row in read_rows(path, _columns(names)) if names else ():
            yield row, names


def _names(path: Path, section: str, fields: Mapping[str, Field], field_map: FieldMap) -> dict[str, str]:
    row = sample(path)
    return {} if row is None else field_map.find(section, fields, row)


def _columns(names: Mapping[str, str]) -> list[str]:
    return sorted({name.partition(".")[0] for name in names.values()})


def _labels(files: Sequence[Path], field_map: FieldMap) -> Iterator[tuple[str, Positive]]:
    for row, names in _named(files, "qrels", _QRELS, field_map):
        query, document = (text_of(value_of(row.fields, names[key])) for key in ("query", "document"))
        score = value_of(row.fields, names["score"]) if "score" in names else 1
        try:
            grade = float(score)
        except (TypeError, ValueError):
            grade = math.nan
        if not math.isfinite(grade):
            raise InputError(f"{row.where}: the score {score!r} is no number")
        judge = text_of(value_of(row.fields, names["provenance"])) if "provenance" in names else ""
        yield query, Positive((document,), row.where, grade, judge)


def _records(files: Sequence[Path], folder: Path, field_map: FieldMap, cache: Path | None) -> Iterator[TableRecord]:
    lookup = Files(folder, cache)
    for path in files:
        names = _names(path, "corpus", _CORPUS, field_map)
        inside = path.suffix == ".parquet" and "image" in names and not _is_path(path, names["image"])
        pictures = unpack_column(path, names["image"], cache) if inside else None
        read = {key: name for key, name in names.items() if not (inside and key == "image")}
        for number, row in enumerate(read_rows(path, _columns(read)) if read else ()):
            image = pictures[number] if pictures is not None else _image(row, read, lookup)
            yield _record(row, read, image)


def _is_path(path: Path, column: str) -> bool:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kind = pq.read_schema(path).field(column).type
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _image(row: Row, names: Mapping[str, str], files: Files) -> Media | None:
    name = text_of(value_of(row.fields, names["image"])) if "image" in names else ""
    return files.media(name) if name else None


def _record(row: Row, names: Mapping[str, str], image: Media | None) -> TableRecord:
    found = {key: value_of(row.fields, names[key]) for key in names}
    name, title, text = (text_of(found.get(key)) for key in ("id", "title", "text"))
    if not name:
        raise InputError(f"{row.where}: {names['id']!r} must not be empty")
    first, _, rest = text.partition("\n")
    if not title and first.startswith("#"):
        title, text = first.lstrip("#").strip(), rest.lstrip("\n")
    native = Html(text_of(found["html"])) if found.get("html") is not None else Plain(text) if "text" in found else None
    ocr = text_of(found["ocr"]) if found.get("ocr") is not None else None
    return TableRecord(name, title, native, ocr, image)
