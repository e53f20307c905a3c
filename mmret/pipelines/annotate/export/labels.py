"""The labels in both public layouts: `omnicvr.jsonl`, and Parquet files of corpus, queries, qrels and top_ranked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ....benchmarks.omnicvr import NAME
from ..records import Clip
from .galleries import Gallery
from .triplets import Triplet, file_of

ROWS = 256  # galleries written at a time
_TEXTS = pa.list_(pa.string())
SCHEMAS = {
    "corpus/corpus.parquet": pa.schema(
        [(name, pa.string()) for name in ("id", "sha256", "licence", "original")]
        + [("start", pa.float64()), ("end", pa.float64()), ("width", pa.int32()), ("height", pa.int32())]
    ),
    "queries/queries.parquet": pa.schema(
        [(name, pa.string()) for name in ("id", "text", "source_id", "category", "status", "pair")]
        + [("slices", _TEXTS), ("phrasings", _TEXTS), ("visual", pa.float64()), ("audio", pa.float64())]
    ),
    "qrels/test.parquet": pa.schema([("query-id", pa.string()), ("corpus-id", pa.string()), ("score", pa.int32())]),
    "top_ranked/test.parquet": pa.schema([("query-id", pa.string()), ("corpus-ids", _TEXTS)]),
}
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Content:
    """What is written.

    Parameters
    ----------
    triplets: the queries, sorted by id.
    clips: those of the split, sorted by id; galleries name them by number.
    galleries: one a query.
    """

    triplets: Sequence[Triplet]
    clips: Sequence[Clip]
    galleries: Sequence[Gallery]

    @property
    def documents(self) -> list[Clip]:
        """The clips that a gallery names."""
        named = {row for gallery in self.galleries for row in gallery.rows.tolist()}
        return [self.clips[row] for row in sorted(named)]

    def candidates(self, gallery: Gallery) -> list[str]:
        """File names of a gallery's clips."""
        return [file_of(self.clips[row].id) for row in gallery.rows.tolist()]


def write_labels(content: Content, folder: Path) -> None:
    """Write the labels in both layouts."""
    with (folder / NAME).open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in _original(content))
    tables = (_corpus(content), _queries(content), _qrels(content), _top_ranked(content))
    for (name, schema), rows in zip(SCHEMAS.items(), tables, strict=True):
        path = folder / name
        path.parent.mkdir()
        with pq.ParquetWriter(path, schema, compression="zstd") as writer:
            while some := list(islice(rows, ROWS)):
                writer.write_table(pa.Table.from_pylist(some, schema))


def _original(content: Content) -> Iterator[Row]:
    """As in the public file, and beside that what it lacks: id, category, status, and how the gallery is made up."""
    for one, gallery in zip(content.triplets, content.galleries, strict=True):
        yield {
            "source_id": file_of(one.pair.source), "target_id": file_of(one.pair.target), "instruction": one.texts[0],
            "candidates": content.candidates(gallery), "query_id": one.id, "category": one.pair.kind,
            "status": one.status, "split": one.pair.split, "gallery": gallery.parts,
        }  # fmt: skip


def _corpus(content: Content) -> Iterator[Row]:
    for clip in content.documents:
        width, height = clip.size
        yield {
            "id": file_of(clip.id), "sha256": clip.sha256, "licence": clip.licence, "original": clip.original,
            "start": clip.start, "end": clip.end, "width": width, "height": height,
        }  # fmt: skip


def _queries(content: Content) -> Iterator[Row]:
    for one in content.triplets:
        yield {
            "id": one.id, "text": one.texts[0], "source_id": file_of(one.pair.source), "category": one.pair.kind,
            "status": one.status, "pair": one.pair.id, "slices": one.slices, "phrasings": one.texts,
            "visual": one.pair.visual, "audio": one.pair.audio,
        }  # fmt: skip


def _qrels(content: Content) -> Iterator[Row]:
    for one in content.triplets:
        yield {"query-id": one.id, "corpus-id": file_of(one.pair.target), "score": 1}


def _top_ranked(content: Content) -> Iterator[Row]:
    for one, gallery in zip(content.triplets, content.galleries, strict=True):
        yield {"query-id": one.id, "corpus-ids": content.candidates(gallery)}
