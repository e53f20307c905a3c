"""Label sets shaped like OmniCVR, of any size, in both public layouts, with small real clips in tars."""

from __future__ import annotations

import io
import json
import struct
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

TYPES = ("audio-center", "visual-center", "integrated")
WORDS = ["keep", "replace", "remove", "add", "the", "voice", "music", "rain", "drum", "street", "hand", "slower", "red"]


@dataclass(frozen=True)
class Labels:
    """Queries with their galleries: `galleries[i]` holds names."""

    documents: list[str]
    source: list[str]
    target: list[str]
    text: list[str]
    kind: list[str]
    galleries: list[list[str]]


def make_labels(*, queries: int = 5000, documents: int = 16_316, gallery: int = 2000, seed: int = 0) -> Labels:
    """A fifth of the queries is audio-center with one shared gallery, the rest has galleries of its own."""
    draw = np.random.default_rng(seed)
    names = [f"omnicvr_video{i}.mp4" for i in range(documents)]
    shared = queries // 5
    pairs = np.concatenate(
        [
            draw.permutation(documents)[: 2 * shared].reshape(-1, 2),
            np.stack([draw.choice(documents, 2, replace=False) for _ in range(queries - shared)]),
        ]
    )
    pool = pairs[:shared].ravel()
    rest = np.setdiff1d(np.arange(documents), pool)
    pool = np.concatenate([pool, draw.permutation(rest)[: gallery - len(pool)]])[: max(gallery, 2 * shared)]
    galleries = []
    for i, pair in enumerate(pairs):
        if i < shared:
            one = draw.permutation(pool)
        else:
            others = np.setdiff1d(draw.choice(documents, gallery + 2, replace=False), pair)
            one = draw.permutation(np.concatenate([pair, others])[:gallery])
        galleries.append([names[j] for j in one])
    return Labels(
        documents=names,
        source=[names[a] for a, _ in pairs],
        target=[names[b] for _, b in pairs],
        text=[f"{i}: " + " ".join(draw.choice(WORDS, 50)) for i in range(queries)],
        kind=[TYPES[0] if i < shared else TYPES[1 + i % 2] for i in range(queries)],
        galleries=galleries,
    )


def write_original(folder: Path, labels: Labels) -> None:
    """`omnicvr.jsonl`, with a key that no reader needs."""
    folder.mkdir(parents=True, exist_ok=True)
    columns = zip(labels.source, labels.target, labels.text, labels.galleries, strict=True)
    with (folder / "omnicvr.jsonl").open("w") as file:
        for source, target, text, gallery in columns:
            row = {"source_id": source, "target_id": target, "instruction": text, "candidates": gallery, "extra": 1}
            file.write(json.dumps(row) + "\n")


def write_reupload(folder: Path, labels: Labels, *, clips: dict[str, bytes] | None = None) -> None:
    """The four Parquet configurations; with `clips` they hold the videos, as the re-upload does."""
    ids = [f"query-{i:05d}" for i in range(len(labels.text))]

    def write(config: str, split: str, table: dict[str, Any], rows: int | None = None) -> None:
        (folder / config).mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(table), folder / config / f"{split}-00000-of-00001.parquet", row_group_size=rows)

    corpus: dict[str, Any] = {"id": labels.documents}
    if clips is not None:
        corpus["video"] = [{"bytes": clips[name], "path": name} for name in labels.documents]
    write("corpus", "corpus", corpus, 4)
    queries = {"id": ids, "text": labels.text, "source_id": labels.source, "category": labels.kind}
    write("queries", "queries", queries)
    write("qrels", "test", {"query-id": ids, "corpus-id": labels.target, "score": [1] * len(ids)})
    write("top_ranked", "test", {"query-id": ids, "corpus-ids": labels.galleries}, 500)


def write_tars(
    folder: Path, names: Sequence[str], clips: Sequence[bytes], *, tars: int = 3, same: bool = False
) -> None:
    """The named clips in `videos/omnivideos-*.tar`; each holds one of `clips`, with its name in it unless `same`."""
    (folder / "videos").mkdir(parents=True, exist_ok=True)
    for number in range(tars):
        with tarfile.open(folder / "videos" / f"omnivideos-{number}.tar", "w") as tar:
            for i in range(number, len(names), tars):
                content = clips[i % len(clips)] + (b"" if same else free_atom(names[i]))
                info = tarfile.TarInfo(names[i])
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))


def free_atom(text: str) -> bytes:
    """An MP4 box that every reader skips: equal pictures and sound, other bytes."""
    return struct.pack(">I", 8 + len(text)) + b"free" + text.encode()
