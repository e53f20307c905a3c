"""Planted defects: each is named, and what cannot be used is left out by later evaluations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from mmret.benchmarks import Exclusions, Verification, exclusions_path, load_benchmark, read_draft, verify
from mmret.errors import InputError, RunError
from mmret.evaluation import Settings, evaluate
from mmret.media import Preflight, Workers

from ..conftest import write_clip, write_rows


def read_rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def write_silent(path: Path) -> None:
    """A clip whose sound track holds nothing but zeros."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=12)
        video.width = video.height = 64
        video.pix_fmt = "yuv420p"
        sound = container.add_stream("aac", rate=16_000)
        for shade in range(12):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 9 * shade, np.uint8), format="rgb24")
            container.mux(video.encode(frame))
        container.mux(video.encode())
        block = av.AudioFrame.from_ndarray(np.zeros((1, 16_000), np.float32), format="fltp", layout="mono")
        block.sample_rate = 16_000
        container.mux(sound.encode(block))
        container.mux(sound.encode())


@pytest.fixture
def broken(small: Path) -> Path:
    """The small benchmark with one defect of each kind."""
    queries, documents = read_rows(small / "queries.jsonl"), read_rows(small / "documents.jsonl")
    for name in ("clip-6", "clip-7"):
        write_clip(small / "videos" / f"{name}.mp4", tone=900.0, seconds=1.0, frames=12)
    documents += [{"id": name, "video": f"videos/{name}.mp4"} for name in ("clip-6", "clip-7", "clip-7")]
    queries[0]["targets"] = {"clip-9": 1}  # a target that does not exist
    queries[1]["gallery"].remove("clip-1")  # the source is absent
    queries[2]["gallery"].append("clip-6")  # a gallery of another size
    queries.append(dict(queries[3]))  # an id given twice
    truncated = small / "videos" / "clip-5.mp4"
    truncated.write_bytes(truncated.read_bytes()[: truncated.stat().st_size // 2])  # source of query 5, target of 4
    write_silent(small / "videos" / "clip-7.mp4")
    (small / "videos" / "clip-6.mp4").write_bytes((small / "videos" / "clip-3.mp4").read_bytes())  # equal content
    write_rows(small / "queries.jsonl", queries)
    write_rows(small / "documents.jsonl", documents)
    return small


def check(folder: Path, workers: Workers, cache: Path) -> Verification:
    preflight = Preflight(workers, cache / "preflight.jsonl")
    return verify(read_draft(str(folder)), preflight, cache, show=False)


def test_every_planted_defect_is_named(broken: Path, workers: Workers, tmp_path: Path) -> None:
    found = check(broken, workers, tmp_path)
    assert {what: len(names) for what, names in found.defects.items()} == {
        "target is no document": 1,
        "query ids given twice": 1,
        "document ids given twice": 1,
        "galleries of another size than 6": 2,
        "queries whose source is not in their gallery": 1,
        "unusable documents": 1,
        "queries that cannot be asked": 3,
        "silent sound tracks": 1,
        "documents of equal content": 1,
    }
    text = "\n".join(f"{key} {value}" for key, value in found.lines().items())
    for words in (
        "queries.jsonl:1: target 'clip-9' is no document",
        "query ids given twice 1: query-3",
        "document ids given twice 1: clip-7",
        "query-1 (5), query-2 (7)",
        "queries whose source is not in their gallery 1: query-1",
        "clip-5.mp4 (",
        "query-4 (its target clip-5 is excluded), query-5 (its source clip-5 is excluded)",
        "silent sound tracks 1: ",
        "clip-3 = clip-6",
    ):
        assert words in text
    assert json.loads(json.dumps(found.describe()))["labels"]["queries"] == 5


def test_a_sound_benchmark_has_no_defect(small: Path, workers: Workers, tmp_path: Path) -> None:
    found = check(small, workers, tmp_path)
    assert found.defects == {}
    assert not found.excluded
    facts = found.describe()
    assert facts["galleries"]["all"] == "one shared set for 6 queries; 6 hold the query's own source"
    assert facts["media"]["files"] == facts["media"]["readable"] == 6
    assert facts["media"]["pictures"] == {"h264 64x64": 6}
    assert facts["media"]["sound"] == {"aac 16000 Hz": 6}


def test_later_evaluations_reuse_the_list(broken: Path, workers: Workers, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="mmret benchmarks verify"):
        load_benchmark(str(broken))
    found = check(broken, workers, tmp_path)
    found.excluded.save(broken / "exclusions.json", found.digest)
    assert exclusions_path(str(broken), None) == broken / "exclusions.json"
    result = evaluate(str(broken), "random", Settings())
    assert [one["id"] for one in result.record["excluded"]["documents"]] == ["clip-5"]
    assert sorted(one["id"] for one in result.record["excluded"]["queries"]) == ["query-0", "query-4", "query-5"]
    assert result.record["scores"]["gallery"]["all"]["n"] == 3
    # The list is enough: elsewhere the broken clip is left out without being looked at.
    (broken / "videos" / "clip-5.mp4").unlink()
    again = evaluate(str(broken), "random", Settings(cache=tmp_path / "elsewhere"))
    assert again.record["scores"] == result.record["scores"]


def test_a_list_of_other_labels_is_refused(broken: Path, small: Path, workers: Workers, tmp_path: Path) -> None:
    found = check(broken, workers, tmp_path)
    kept = tmp_path / "list.json"
    found.excluded.save(kept, found.digest)
    assert Exclusions.load(kept) == (found.excluded, found.digest)
    rows = read_rows(small / "queries.jsonl")
    rows[1]["text"] += " and louder"
    write_rows(small / "queries.jsonl", rows)
    with pytest.raises(InputError, match=r"list\.json: made for other labels"):
        load_benchmark(str(small), exclusions=kept)
    for content in ("{", "[]", '{"schema": "mmret.exclusions/1", "benchmark": "", "documents": 3, "queries": []}'):
        kept.write_text(content)
        with pytest.raises(InputError, match=r"list\.json: no exclusion list of schema"):
            load_benchmark(str(small), exclusions=kept)
    with pytest.raises(InputError, match=r"gone\.json: the exclusion list cannot be read"):
        load_benchmark(str(small), exclusions=tmp_path / "gone.json")


def test_a_second_run_decodes_nothing_again(
    small: Path, workers: Workers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = check(small, workers, tmp_path)
    monkeypatch.setattr(Preflight, "run", lambda _self, files: iter(()) if not files else pytest.fail("decoded again"))
    assert check(small, workers, tmp_path).describe() == first.describe()


def test_a_folder_may_say_anything_of_itself(small: Path, workers: Workers, tmp_path: Path) -> None:
    about = json.loads((small / "benchmark.json").read_text()) | {"published": "2024", "clips": 6}
    (small / "benchmark.json").write_text(json.dumps(about))
    assert check(small, workers, tmp_path).defects == {}


def test_a_list_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"list\.json: the exclusion list cannot be written: .*--exclusions"):
        Exclusions().save(tmp_path / "file" / "list.json", "digest")
