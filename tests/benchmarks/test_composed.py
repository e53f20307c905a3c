"""What else the declarative layout can say: shared galleries, sources that are no documents, pictures, archives."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest
from PIL import Image

from mmret.benchmarks import load_benchmark
from mmret.errors import InputError
from mmret.evaluation import Settings, evaluate

from ..conftest import write_clip, write_rows


def write_about(folder: Path, **fields: object) -> None:
    about = {"layout": "composed-video", "name": "own", "version": "1", **fields}
    (folder / "benchmark.json").write_text(json.dumps(about))


def test_ten_lines_are_a_benchmark(tmp_path: Path) -> None:
    """Like FineCVR and EgoCVR: clips without sound, one corpus for all, several right clips."""
    for name in "abcd":
        write_clip(tmp_path / f"{name}.mp4", tone=None, seconds=1.0, frames=8, shade=ord(name))
    write_about(tmp_path, requires=["video"])
    write_rows(tmp_path / "documents.jsonl", [{"id": name, "video": f"{name}.mp4"} for name in "abcd"])
    queries: list[dict[str, object]] = [
        {"id": "1", "source": "a", "text": "brighter", "targets": ["b", "c"]},
        {"id": "2", "video": "d.mp4", "text": "darker", "targets": {"a": 2, "b": 1}},
        {"id": "3", "text": "the darkest", "targets": ["a"]},
    ]
    write_rows(tmp_path / "queries.jsonl", queries)
    benchmark = load_benchmark(str(tmp_path))
    assert benchmark.galleries is None
    assert benchmark.source is not None
    assert benchmark.source.tolist() == [0, -1, -1]
    assert [sorted(item.modalities) for item in benchmark.queries] == [["text", "video"], ["text", "video"], ["text"]]
    assert benchmark.queries[1].video == benchmark.documents[3].video
    assert benchmark.gains.tolist() == [1, 1, 2, 1, 1]
    scores = evaluate(benchmark, "random", Settings()).record["scores"]
    assert list(scores) == ["global", "global-no-source"]
    assert scores["global"]["all"]["n"] == 3
    assert scores["global"]["all"]["source@1"]["value"] in (0.0, 1.0)


def test_one_gallery_can_be_shared(small: Path) -> None:
    rows = [json.loads(line) for line in (small / "queries.jsonl").read_text().splitlines()]
    each = load_benchmark(str(small))
    for row in rows:
        row.pop("gallery")
    write_rows(small / "queries.jsonl", rows)
    names = [item.id for item in each.documents]
    write_about(small, gallery=names[::-1])
    shared = load_benchmark(str(small))
    assert shared.galleries is not None
    assert len(shared.galleries) == 1
    assert shared.gallery_sizes.tolist() == each.gallery_sizes.tolist()
    one, other = (evaluate(b, "random", Settings()).record["scores"] for b in (shared, each))
    assert one == other
    write_about(small, gallery=[*names, "clip-9"])
    with pytest.raises(InputError, match=r"benchmark\.json: candidate 'clip-9' is no document"):
        load_benchmark(str(small))
    rows[0]["gallery"] = names
    write_rows(small / "queries.jsonl", rows)
    with pytest.raises(
        InputError, match=r"queries\.jsonl:1: a 'gallery' of its own, while benchmark\.json has a shared"
    ):
        load_benchmark(str(small))


def test_media_may_lie_in_an_archive(small: Path) -> None:
    loose = load_benchmark(str(small))
    with tarfile.open(small / "clips.tar", "w") as tar:
        for path in sorted((small / "videos").iterdir()):
            tar.add(path, f"./deep/{path.name}")
    rows = [json.loads(line) for line in (small / "documents.jsonl").read_text().splitlines()]
    for row in rows:
        row["video"] = f"clips.tar/deep/{row['id']}.mp4"
    write_rows(small / "documents.jsonl", rows)
    packed = load_benchmark(str(small))
    assert packed.digest == loose.digest
    assert packed.media_digest == loose.media_digest
    assert str(packed.documents[0].video) == f"{small}/clips.tar/deep/clip-0.mp4"
    one, other = (evaluate(b, "random", Settings()).record["scores"] for b in (packed, loose))
    assert one == other
    rows[2]["video"] = "clips.tar/deep/gone.mp4"
    write_rows(small / "documents.jsonl", rows)
    excluded = evaluate(str(small), "random", Settings()).record["excluded"]["documents"]
    assert excluded == [
        {
            "id": "clip-2",
            "file": f"{small}/clips.tar/deep/gone.mp4",
            "reason": "the file cannot be read: Not a directory",
        }
    ]


def test_pictures_can_be_documents_and_sources(tmp_path: Path) -> None:
    for i, name in enumerate("abc"):
        Image.new("RGB", (32, 32), (80 * i, 0, 0)).save(tmp_path / f"{name}.png")
    write_about(tmp_path, requires=["image"])
    write_rows(tmp_path / "documents.jsonl", [{"id": name, "image": f"{name}.png"} for name in "ab"])
    write_rows(tmp_path / "queries.jsonl", [{"id": "1", "image": "c.png", "text": "darker", "targets": ["b"]}])
    benchmark = load_benchmark(str(tmp_path))
    assert benchmark.source is None
    assert sorted(benchmark.queries[0].modalities) == ["image", "text"]
    assert evaluate(benchmark, "random", Settings()).record["scores"]["global"]["all"]["n"] == 1


def test_a_text_may_hold_any_character(small: Path) -> None:
    rows = [json.loads(line) for line in (small / "queries.jsonl").read_text().splitlines()]
    rows[1]["text"] = "one\u2028line \x85 <b>"
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (small / "queries.jsonl").write_text(lines)
    assert load_benchmark(str(small)).queries[1].text == rows[1]["text"]
