"""Files that are no good submission, made out of a good one: each kind of fault once, then any number of mutations.

>>> for case in malformed(Path("good.submission.parquet"), ground, count=2000, seed=0): ...
"""

from __future__ import annotations

import gzip
import io
import json
import pickle
import zipfile
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mmret.leaderboard.submissions import Ground

from .thrift import BINARY, I32, I64, LIST, STRUCT, read_struct, write_struct

ENTRY = "mmret.submission"
IDS = pa.dictionary(pa.int32(), pa.string())


class Case(NamedTuple):
    """A file: what was done to it, its bytes, and the code of a fault that its report must name; "" for any error."""

    name: str
    content: bytes
    code: str


class Good:
    """A good file in parts, to make others of."""

    def __init__(self, path: Path, ground: Ground) -> None:
        self.ground = ground
        self.content = path.read_bytes()
        with pq.ParquetFile(path, read_dictionary=["query", "document"]) as file:
            self.table = file.read().unify_dictionaries().combine_chunks()
            self.about: dict[str, Any] = json.loads(file.metadata.metadata[ENTRY.encode()])
        self.footer = len(self.content) - 8 - int.from_bytes(self.content[-8:-4], "little")

    def column(self, name: str) -> list[Any]:
        return self.table[name].to_pylist()

    def write(self, table: pa.Table | None = None, about: Any = None, **options: Any) -> bytes:
        """A file of this table and description: bytes or a plain value; False for none."""
        buffer = io.BytesIO()
        table = self.table if table is None else table
        row_group_size = options.pop("row_group_size", None)
        settings = {"compression": "zstd", "store_schema": False, "write_page_checksum": True} | options
        with pq.ParquetWriter(buffer, table.schema, **settings) as writer:
            writer.write_table(table, row_group_size)
            text = self.about if about is None else about
            if text is not False:
                writer.add_key_value_metadata({ENTRY: text if isinstance(text, bytes) else json.dumps(text)})
        return buffer.getvalue()

    def having(self, **columns: Any) -> bytes:
        """A file with some columns replaced."""
        table = self.table
        for name, values in columns.items():
            kind = pa.float32() if name == "score" else IDS
            column = values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values, kind)
            table = table.set_column(table.column_names.index(name), name, column)
        return self.write(table)

    def described(self, **changes: Any) -> bytes:
        """A file whose description differs: `model__name="x"` sets `name` within `model`."""
        about = deepcopy(self.about)
        for path, value in changes.items():
            *inside, last = path.split("__")
            part = about
            for name in inside:
                part = part[name]
            part[last] = value
        return self.write(about=about)

    def forged(self, change: Callable[[Any], None]) -> bytes:
        """The file with its footer changed: a struct of Thrift's, `FileMetaData`."""
        footer, _ = read_struct(self.content, self.footer)
        change(footer)
        return self.content[: self.footer] + _ending(write_struct(footer))

    def forged_page(self, change: Callable[[Any], None], *, dictionary: bool) -> bytes:
        """The file with the header of the first page of its first or last column changed, and the rest moved along."""
        footer, _ = read_struct(self.content, self.footer)
        chunks = _chunks(footer)
        chunk = chunks[0] if dictionary else chunks[-1]
        start = chunk[11 if 11 in chunk else 9][1]
        header, end = read_struct(self.content, start)
        change(header)
        forged = write_struct(header)
        grown = len(forged) - (end - start)
        for one in chunks:
            for field in (9, 11):
                if field in one and one[field][1] > start:
                    one[field] = (I64, one[field][1] + grown)
        chunk[7] = (I64, chunk[7][1] + grown)
        body = self.content[:start] + forged + self.content[end : self.footer]
        return body + _ending(write_struct(footer))


def malformed(path: Path, ground: Ground, *, count: int | None = None, seed: int = 0) -> Iterator[Case]:
    """Each kind once; then, up to `count` in all, mutations of the file that its seed decides."""
    good = Good(path, ground)
    whole = count is None
    every = _kinds(good) if whole else _both(good, seed)
    yield from every if whole else islice(every, count)


def _both(good: Good, seed: int) -> Iterator[Case]:
    yield from _kinds(good)
    yield from mutations(good, seed)


def _kinds(good: Good) -> Iterator[Case]:
    for kinds in (_other_files, _ends, _claims, _pages, _columns, _cells, _rows, _descriptions):
        for name, content, code in kinds(good):
            yield Case(name, content, code)


Kinds = Iterator[tuple[str, bytes, str]]


def _other_files(good: Good) -> Kinds:
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr(zipfile.ZipInfo("run.parquet"), good.content)
    rows = zip(good.column("query"), good.column("document"), good.column("score"), strict=True)
    yield "empty", b"", "not-parquet"
    yield "one byte", b"P", "not-parquet"
    yield "a sentence", b"This is my submission, please rank it first.", "not-parquet"
    yield "JSON", json.dumps(good.about).encode(), "not-parquet"
    yield "TREC", "".join(f"{q} Q0 {d} 1 {s} me\n" for q, d, s in rows).encode(), "not-parquet"
    yield "HTML", b"<!doctype html><script>alert(1)</script>", "not-parquet"
    yield "pickle", pickle.dumps(good.about), "not-parquet"
    yield "zip", zipped.getvalue(), "not-parquet"
    yield "gzip", gzip.compress(good.content, mtime=0), "not-parquet"
    yield "PNG", b"\x89PNG\r\n\x1a\n" + bytes(100), "not-parquet"
    yield "zeros", bytes(1000), "not-parquet"
    yield "Arrow", b"ARROW1\0\0" + good.content, "not-parquet"


def _ends(good: Good) -> Kinds:
    content, footer = good.content, good.footer
    length = len(content) - 8 - footer
    yield "two magics", b"PAR1PAR1", "not-parquet"
    yield "no footer", b"PAR1" + bytes(4) + b"PAR1", "footer"
    yield "wrong start", b"PAR2" + content[4:], "not-parquet"
    yield "wrong end", content[:-4] + b"PAR2", "not-parquet"
    yield "encrypted footer", content[:-4] + b"PARE", "not-parquet"
    yield "half", content[: len(content) // 2], "not-parquet"
    yield "last byte lacks", content[:-1], "not-parquet"
    yield "first byte lacks", content[1:], "not-parquet"
    yield "footer cut short", content[:-100] + content[-8:], "footer"
    for name, claim in {"huge": 2**32 - 1, "past the start": len(content), "short": length - 1, "none": 0}.items():
        yield f"length of the footer: {name}", content[:-8] + claim.to_bytes(4, "little") + b"PAR1", "footer"
    yield "footer of zeros", content[:footer] + _ending(bytes(length)), "footer"
    yield "footer of noise", content[:footer] + _ending(np.random.default_rng(0).bytes(length)), "footer"
    yield "large footer", good.write(about=b" " * (1 << 20)), "footer"
    yield "twice", content + content, "pages"
    yield "bytes before the footer", content[:footer] + b"<script>" + content[footer:], "pages"
    yield "bytes after the start", content[:4] + bytes(50) + content[4:], "pages"
    other = good.write(good.table.slice(0, len(good.table) // 2))
    theirs = len(other) - 8 - int.from_bytes(other[-8:-4], "little")
    yield "another file's footer", content[:footer] + other[theirs:], "pages"


def _claims(good: Good) -> Kinds:
    """Footers that lie."""

    def of_file(field: int, value: int) -> bytes:
        return good.forged(lambda footer: footer.update({field: (I64, value)}))

    def of_group(field: int, value: int) -> bytes:
        return good.forged(lambda footer: footer[4][1][1][0].update({field: (I64, value)}))

    def of_chunk(field: int, value: int, kind: int = I64, which: int = 0) -> bytes:
        return good.forged(lambda footer: _chunks(footer)[which].update({field: (kind, value)}))

    def of_groups(change: Callable[[list[Any]], list[Any]]) -> bytes:
        def forge(footer: Any) -> None:
            footer[4] = (LIST, (STRUCT, change(footer[4][1][1])))

        return good.forged(forge)

    yield "rows: 2^62", of_file(3, 2**62), "too-many-entries"
    yield "rows: 61 million", of_file(3, 61_000_000), "too-many-entries"
    yield "rows: -1", of_file(3, -1), "empty"
    yield "rows: one more", of_file(3, len(good.table) + 1), "groups"
    yield "rows of a group: 2^40", of_group(3, 2**40), "groups"
    yield "rows of a group: -1", of_group(3, -1), "groups"
    yield "values: 2^62", of_chunk(5, 2**62), "pages"
    yield "values: none", of_chunk(5, 0), "pages"
    yield "unpacked: 2^40 bytes", of_chunk(6, 2**40), "unpacks-too-large"
    yield "unpacked: -1 bytes", of_chunk(6, -1), "unpacks-too-large"
    yield "packed: 2^40 bytes", of_chunk(7, 2**40), "pages"
    yield "packed: none", of_chunk(7, 0), "pages"
    yield "packed: -1 bytes", of_chunk(7, -1), "pages"
    yield "packed: a byte more", of_chunk(7, _chunks(read_struct(good.content, good.footer)[0])[0][7][1] + 1), "pages"
    yield "column behind the end", of_chunk(9, 2**40, which=2), "pages"
    yield "column before the start", of_chunk(9, -5, which=2), "pages"
    yield "column at 0", of_chunk(9, 0, which=2), "pages"
    yield "column in another file", good.forged(_elsewhere), "footer"
    yield "unknown codec", of_chunk(4, 99, I32), ""
    yield "another codec", of_chunk(4, 1, I32), ""
    yield "group given twice", of_groups(lambda groups: groups * 2), "groups"
    yield "group given 300 times", of_groups(lambda groups: groups * 300), "too-many-groups"
    yield "column of a group lacks", good.forged(lambda footer: footer[4][1][1][0][1][1][1].pop()), "columns"
    yield "no group", of_groups(lambda groups: []), ""
    yield "description twice", good.forged(lambda footer: footer[5][1][1].append(footer[5][1][1][0])), "footer"
    yield "schema of 300 columns", good.write(_wide(300)), ""


def _pages(good: Good) -> Kinds:
    """Headers of pages that lie, and pages that unpack to more than they should."""

    def data(field: int, value: int) -> bytes:
        return good.forged_page(lambda header: header.update({field: (I32, value)}), dictionary=False)

    def dictionary(values: int) -> bytes:
        return good.forged_page(lambda header: header[7][1].update({1: (I32, values)}), dictionary=True)

    yield "page unpacks to 2 GB", data(2, 2**31 - 1), "unpacks-too-large"
    yield "page unpacks to -1", data(2, -1), "pages"
    yield "page unpacks to a byte more", data(2, 4 * len(good.table) + 1), ""
    yield "page has 2 GB", data(3, 2**31 - 1), "pages"
    yield "page has -1", data(3, -1), "pages"
    yield "page of unknown kind", data(1, 9), "pages"
    yield "page is an index", data(1, 1), "pages"
    yield "wrong checksum", data(4, 1), "damaged"
    yield "dictionary of 2^31 ids", dictionary(2**31 - 1), "pages"
    yield "dictionary of -1 ids", dictionary(-1), "pages"
    yield "dictionary of an id less", dictionary(len(good.table["query"].chunk(0).dictionary) - 1), ""
    yield "header without an end", good.content[:4] + b"\xff" * (good.footer - 4) + good.content[good.footer :], "pages"
    yield "columns of zeros", good.content[:4] + bytes(good.footer - 4) + good.content[good.footer :], "pages"
    middle = good.content[4 : good.footer]
    yield "columns turned round", good.content[:4] + middle[::-1] + good.content[good.footer :], "pages"
    zeros = pa.array(np.zeros(len(good.table), np.int32))
    for name, ids in {"an id": ["x" * 70_000_000], "ids": [f"{i:0500000}" for i in range(140)]}.items():
        column = pa.DictionaryArray.from_arrays(zeros, pa.array(ids))
        content = good.write(_with(good, "document", column), dictionary_pagesize_limit=1 << 30)
        yield f"{name} of 70 MB", content, "unpacks-too-large"
    for codec in ("gzip", "brotli", "lz4"):
        yield f"packed with {codec}", good.write(compression=codec), "codec"
    many = _repeated(good, 6_000)
    yield "a page for every entry", good.write(many, data_page_size=1, write_batch_size=1), "pages"
    yield "a group for every entry", good.write(many.slice(0, 257), row_group_size=1), "too-many-groups"
    large = _repeated(good, (1 << 20) + 1)
    yield "a large group", good.write(large, row_group_size=1 << 21), "groups"


def _columns(good: Good) -> Kinds:
    table, n = good.table, len(good.table)
    query, document, score = (table[name] for name in table.column_names)
    names = ["query", "document", "score"]
    yield "columns of TREC", good.write(table.rename_columns(["qid", "docno", "sim"])), "columns"
    yield "upper case", good.write(table.rename_columns(["Query", "Document", "Score"])), "columns"
    yield "name with a line break", good.write(table.rename_columns(["query", "document", "score\n"])), "columns"
    for name in names:
        yield f"no {name}", good.write(table.drop_columns([name])), "columns"
    yield "one column more", good.write(table.append_column("rank", pa.array(range(n)))), "columns"
    yield "query twice", good.write(pa.table([query, query, document, score], ["query", "query", *names[1:]])), ""
    wrong: dict[str, pa.Array] = {
        "float64": pa.array(np.ones(n)),
        "float16": pa.array(np.ones(n, np.float16)),
        "int32": pa.array(np.arange(n, dtype=np.int32)),
        "bool": pa.array(np.ones(n, bool)),
        "string": pa.array(["1.0"] * n),
        "decimal": pa.array([1] * n, pa.decimal128(5, 2)),
        "timestamp": pa.array([1] * n, pa.timestamp("us")),
        "list": pa.array([[1.0]] * n, pa.list_(pa.float32())),
        "struct": pa.array([{"a": 1.0}] * n, pa.struct([("a", pa.float32())])),
        "null": pa.nulls(n),
    }
    for name, column in wrong.items():
        yield f"score is {name}", good.write(_with(good, "score", column)), "columns"
    wrong = {
        "int64": pa.array(range(n)),
        "binary": pa.array([b"a"] * n),
        "fixed bytes": pa.array([b"abcd"] * n, pa.binary(4)),
        "list": pa.array([["a"]] * n, pa.list_(pa.string())),
        "map": pa.array([[("a", "b")]] * n, pa.map_(pa.string(), pa.string())),
        "null": pa.nulls(n),
    }
    for name, column in wrong.items():
        yield f"query is {name}", good.write(_with(good, "query", column)), "columns"
        yield f"document is {name}", good.write(_with(good, "document", column)), "columns"


def _cells(good: Good) -> Kinds:
    score = good.column("score")
    for name in ("query", "document", "score"):
        values = good.column(name)
        yield f"empty cell: {name}", good.having(**{name: [None, *values[1:]]}), "null-cells"
        yield f"empty cells alone: {name}", good.having(**{name: [None] * len(values)}), "null-cells"
    for value in ("nan", "inf", "-inf"):
        yield f"score {value}", good.having(score=[*score[:-1], float(value)]), "not-finite"
        yield f"scores {value}", good.having(score=[float(value)] * len(score)), "not-finite"
    strange = {
        "unknown": "no-such-id",
        "empty": "",
        "blank": " ",
        "NUL": "a\0b",
        "escape": "\x1b[31mred\x1b[0m",
        "line break": "a\nb",
        "bidi": "abc\u202egpj.exe",
        "path": "../../../../etc/passwd",
        "HTML": "<img src=x onerror=alert(1)>",
        "formula": '=HYPERLINK("http://evil","x")',
        "SQL": "'; DROP TABLE submission; --",
        "emoji": "\N{PILE OF POO}",
        "long": "x" * 1_000_000,
    }
    for name in ("query", "document"):
        code, values = f"unknown-{'queries' if name == 'query' else 'documents'}", good.column(name)
        for kind, value in strange.items():
            yield f"{name} id: {kind}", good.having(**{name: [value, *values[1:]]}), code
        yield f"{name} ids: all unknown", good.having(**{name: [f"x{i}" for i in range(len(values))]}), code
        yield f"{name} id: spaces around", good.having(**{name: [f" {values[0]} ", *values[1:]]}), code
        codes = pa.array(np.arange(len(values), dtype=np.int32))
        bad = pa.Array.from_buffers(
            pa.string(), len(values), [None, *pa.array([b"\xff\xfe"] * len(values), pa.binary()).buffers()[1:]]
        )
        yield f"{name} ids: not UTF-8", good.having(**{name: pa.DictionaryArray.from_arrays(codes, bad)}), ""


def _rows(good: Good) -> Kinds:
    table, n = good.table, len(good.table)
    query = good.column("query")
    first, last = query.count(query[0]), n - query.index(query[-1])

    def taken(order: Sequence[int] | np.ndarray[Any, Any]) -> bytes:
        return good.write(table.take(pa.array(order)))

    yield "no entry", good.write(table.slice(0, 0)), "empty"
    yield "one entry", good.write(table.slice(0, 1)), "missing-queries"
    yield "first query lacks", good.write(table.slice(first)), "missing-queries"
    yield "last query lacks", good.write(table.slice(0, n - last)), "missing-queries"
    yield "half of the queries lack", good.write(table.slice(0, query.index(query[n // 2]))), "missing-queries"
    yield "last entry lacks", good.write(table.slice(0, n - 1)), "run-digest"
    yield "backwards", taken(np.arange(n)[::-1]), "order"
    yield "shuffled", taken(np.random.default_rng(0).permutation(n)), "order"
    yield "best first", taken(np.argsort(-np.asarray(good.column("score")), kind="stable")), "order"
    yield "two entries swapped", taken([1, 0, *range(2, n)]), "order"
    yield "first entry twice", taken([0, *range(n)]), "duplicates"
    yield "last entry twice", taken([*range(n), n - 1]), "duplicates"
    yield "each entry twice", taken(np.repeat(np.arange(n), 2)), "duplicates"
    yield "run twice", taken(np.tile(np.arange(n), 2)), "order"
    yield "scores turned round", good.having(score=good.column("score")[::-1]), "run-digest"
    yield "one score changed", good.having(score=[7.25, *good.column("score")[1:]]), "run-digest"
    yield "one document for all", good.having(document=[good.column("document")[0]] * n), "duplicates"
    yield "one query for all", good.having(query=[query[0]] * n), "missing-queries"
    galleries = good.ground.galleries
    if galleries is not None and len(galleries[0]) < len(good.ground.documents):
        stranger = next(i for i in range(len(good.ground.documents)) if i not in set(galleries[0].tolist()))
        documents = [good.ground.documents[stranger], *good.column("document")[1:]]
        yield "no candidate", good.having(document=documents), "outside-gallery"


def _descriptions(good: Good) -> Kinds:
    lacking = {name: value for name, value in good.about.items() if name != "model"}
    yield "no description", good.write(about=False), "no-description"
    for name, text in {
        "no JSON": b"{",
        "empty": b"",
        "not UTF-8": b'{"notes": "\xff"}',
        "a list": b"[]",
        "null": b"null",
        "nested": b'{"settings":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        "long": b'{"notes": "' + b"x" * (1 << 16) + b'"}',
        "long number": b'{"schema": 1' + b"0" * 5_000 + b"}",
        "lone surrogate": b'{"notes": "\\ud800"}',
    }.items():
        yield f"description: {name}", good.write(about=text), "description"
    yield "description without model", good.write(about=lacking), "description"
    changes: dict[str, dict[str, Any]] = {
        "unknown field": {"rank": 1},
        "another schema": {"schema": "mmret.submission/99"},
        "parameters in words": {"model__parameters": "7B"},
        "parameters below 0": {"model__parameters": -1},
        "parameters without end": {"model__parameters": 10**30},
        "name is empty": {"model__name": ""},
        "name is long": {"model__name": "x" * 201},
        "name with control characters": {"model__name": "a\x07b"},
        "name turned round": {"model__name": "abc\u202edef"},
        "name on two lines": {"model__name": "a\nb"},
        "name is a number": {"model__name": 5},
        "link runs a script": {"model__link": "javascript:alert(1)"},
        "link holds data": {"paper": "data:text/html,<script>alert(1)</script>"},
        "link to a file": {"code": "file:///etc/passwd"},
        "link with a name in it": {"code": "https://good.example@evil.example/"},
        "link that is none": {"code": "https://[::1"},
        "unknown modality": {"model__query": ["smell"]},
        "no modality": {"model__document": []},
        "unknown track": {"model__track": "all"},
        "track that does not fit": {
            "model__query": ["text"],
            "model__document": ["video"],
            "model__track": "native-audio",
        },
        "101 authors": {"authors": ["A"] * 101},
        "authors are a text": {"authors": "A, B"},
        "nested settings": {"settings": {"a": {"b": 1}}},
        "100 settings": {"settings": {f"s{i}": i for i in range(100)}},
        "cost is NaN": {"cost__query_ms": float("nan")},
        "cost is infinite": {"cost__query_ms": float("inf")},
        "cost below 0": {"cost__document_ms": -1.0},
        "unknown answer": {"saw_benchmark": "perhaps"},
        "long notes": {"notes": "x" * 4001},
        "digest is no digest": {"benchmark__digest": "0" * 63},
        "number of entries below 0": {"run__entries": -5},
    }
    for name, change in changes.items():
        yield f"description: {name}", good.described(**change), "description"
    yield "another benchmark", good.described(benchmark__digest="0" * 64), "other-benchmark"
    yield "another view", good.described(benchmark__view="title=none,content=ocr"), "other-view"
    yield "another run", good.described(run__digest="0" * 64), "run-digest"
    yield "another number of queries", good.described(run__queries=1), "run-digest"
    yield "another number of entries", good.described(run__entries=len(good.table) + 1), "run-digest"


def mutations(good: Good, seed: int) -> Iterator[Case]:
    """Without end, files that a broken line or a fuzzer might make of it; none says what the good one does."""
    rng = np.random.default_rng(seed)
    spans = [*_payloads(good), (good.footer, len(good.content) - 8)]
    changes = (_flip, _cut, _drop, _insert, _zero, _swap, _noise, _append)
    number = 0
    while True:
        number += 1
        change = changes[int(rng.integers(len(changes)))]
        content = change(good.content, spans, rng)
        if content != good.content and not _same(good, content):
            yield Case(f"mutation {number}: {change.__name__[1:]}", content, "")


Spans = Sequence[tuple[int, int]]
Rng = np.random.Generator


def _flip(content: bytes, spans: Spans, rng: Rng) -> bytes:
    """Some bits, in what is packed or in the footer."""
    changed = bytearray(content)
    start, end = spans[int(rng.integers(len(spans)))]
    for at in rng.integers(start, end, int(rng.integers(1, 9))).tolist():
        changed[at] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def _cut(content: bytes, spans: Spans, rng: Rng) -> bytes:
    return content[: int(rng.integers(len(content)))]


def _drop(content: bytes, spans: Spans, rng: Rng) -> bytes:
    start, size = int(rng.integers(len(content) - 8)), int(rng.integers(1, 200))
    return content[:start] + content[start + size :]


def _insert(content: bytes, spans: Spans, rng: Rng) -> bytes:
    start = int(rng.integers(4, spans[-1][0]))
    return content[:start] + rng.bytes(int(rng.integers(1, 200))) + content[start:]


def _zero(content: bytes, spans: Spans, rng: Rng) -> bytes:
    start, end = spans[int(rng.integers(len(spans)))]
    start = int(rng.integers(start, end))
    end = min(end, start + int(rng.integers(1, 100)))
    return content[:start] + bytes(end - start) + content[end:]


def _swap(content: bytes, spans: Spans, rng: Rng) -> bytes:
    a, b, c = sorted(rng.integers(4, len(content) - 8, 3).tolist())
    return content[:a] + content[b:c] + content[a:b] + content[c:]


def _noise(content: bytes, spans: Spans, rng: Rng) -> bytes:
    return b"PAR1" + rng.bytes(int(rng.integers(20, 2000))) + content[-int(rng.integers(8, 400)) :]


def _append(content: bytes, spans: Spans, rng: Rng) -> bytes:
    return content + rng.bytes(int(rng.integers(1, 50)))


def _payloads(good: Good) -> list[tuple[int, int]]:
    """Where the packed contents of the pages lie."""
    spans = []
    footer, _ = read_struct(good.content, good.footer)
    for chunk in _chunks(footer):
        at = chunk[11 if 11 in chunk else 9][1]
        end = at + chunk[7][1]
        while at < end:
            header, at = read_struct(good.content, at)
            spans.append((at, at + header[3][1]))
            at += header[3][1]
    return spans


def _same(good: Good, content: bytes) -> bool:
    """Whether a file still says what the good one says, or says other things of itself that are as good."""
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    if len(content) != len(good.content) or content[: good.footer] != good.content[: good.footer]:
        return False
    if footer != good.footer:
        return False
    try:
        with pq.ParquetFile(io.BytesIO(content), read_dictionary=["query", "document"]) as file:
            if not file.read().equals(good.table):
                return False
            json.loads(file.metadata.metadata[ENTRY.encode()])
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError):
        return False
    return True


def _chunks(footer: Any) -> list[Any]:
    """`ColumnMetaData` of each column of each row group."""
    return [chunk[3][1] for group in footer[4][1][1] for chunk in group[1][1][1]]


def _elsewhere(footer: Any) -> None:
    footer[4][1][1][0][1][1][1][0][1] = (BINARY, b"/etc/passwd")


def _ending(footer: bytes) -> bytes:
    return footer + len(footer).to_bytes(4, "little") + b"PAR1"


def _with(good: Good, name: str, column: pa.Array) -> pa.Table:
    return good.table.set_column(good.table.column_names.index(name), name, column)


def _repeated(good: Good, rows: int) -> pa.Table:
    return good.table.take(pa.array(np.arange(rows) % len(good.table)))


def _wide(columns: int) -> pa.Table:
    return pa.table({f"c{i}": pa.array([1]) for i in range(columns)})
