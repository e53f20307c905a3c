"""`mmret benchmarks` as a person runs it, with a Hub on the loopback."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mmret.benchmarks import load_benchmark
from mmret.benchmarks.omnicvr import unpack_videos
from mmret.errors import InputError

from .. import processes
from ..cli.in_process import mmret
from ..conftest import write_clip
from ..hub import Hub, serve
from .omnicvr_files import Labels, make_labels, write_original, write_reupload, write_tars

SIZE = 400_000  # of the videos, larger than what a reader fetches ahead


@pytest.fixture(scope="module")
def labels() -> Labels:
    return make_labels(queries=10, documents=24, gallery=12)


@pytest.fixture(scope="module")
def uploads(labels: Labels, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Both repositories: the re-upload with videos in its Parquet files, the original with tars."""
    folder = tmp_path_factory.mktemp("uploads")
    clips = [
        write_clip(folder / f"{i}.mp4", tone=200.0 + i, seconds=1.0, frames=8).read_bytes() + os.urandom(SIZE)
        for i in range(3)
    ]
    write_original(folder / "original", labels)
    write_tars(folder / "original", labels.documents, clips, same=True)
    write_reupload(folder / "reupload", labels, clips={n: clips[i % 3] for i, n in enumerate(labels.documents)})
    return {"Jun-Yang/OmniCVR": folder / "original", "mteb/OmniCVR": folder / "reupload"}


@pytest.fixture
def hub(uploads: dict[str, Path]) -> Iterator[Hub]:
    with serve(uploads) as server:
        yield server


def test_get_brings_labels_without_videos_and_clips_as_tars(hub: Hub, labels: Labels, tmp_path: Path) -> None:
    done = processes.mmret("benchmarks", "get", "omnicvr", "--yes", **hub.environment)
    assert done.returncode == 0, done.stderr
    assert "mmret benchmarks verify omnicvr" in done.stderr
    corpus = next(name for name in hub.sent if name.startswith("corpus/"))
    assert hub.sent[corpus] < 24 * SIZE / 2  # of 24 videos, some lie in what is read ahead
    benchmark = load_benchmark("omnicvr")
    assert (len(benchmark.queries), len(benchmark.documents)) == (10, 24)
    assert set(benchmark.slices) == set(labels.kind)
    assert all(item.video is not None and item.video.path.suffix == ".tar" for item in benchmark.documents)
    sent = dict(hub.sent)
    assert processes.mmret("benchmarks", "get", "omnicvr", "--yes", **hub.environment).returncode == 0
    assert dict(hub.sent) == sent  # nothing is sent twice


def test_get_asks_first_and_names_what_went_wrong(hub: Hub) -> None:
    asked = processes.mmret("benchmarks", "get", "omnicvr", **hub.environment)
    assert asked.returncode == 2
    assert re.search(
        r"omnicvr: \d files, (\d+) MB and the labels, into .*/data/omnicvr\n\1 MB of them are", asked.stderr
    )
    assert "--yes" in asked.stderr
    assert not hub.sent
    offline = processes.mmret("benchmarks", "get", "omnicvr", "--yes")
    assert offline.returncode == 1
    assert "HF_HUB_OFFLINE is set" in offline.stderr
    assert "Traceback" not in offline.stderr


def test_videos_are_unpacked_out_of_parquet(
    capfd: pytest.CaptureFixture[str], uploads: dict[str, Path], tmp_path: Path
) -> None:
    folder, far = tmp_path / "reupload", uploads["Jun-Yang/OmniCVR"]
    folder.symlink_to(uploads["mteb/OmniCVR"])
    with pytest.raises(InputError, match=f"mmret benchmarks unpack omnicvr --data {folder}"):
        load_benchmark("omnicvr", folder)
    code, _, err = mmret(capfd, "benchmarks", "unpack", "omnicvr", "--data", str(folder))
    assert code == 0, err
    assert load_benchmark("omnicvr", folder).media_digest == load_benchmark("omnicvr", far).media_digest
    (tar,) = (folder / "videos").glob("*.tar")
    whole, made = tar.read_bytes(), tar.stat().st_mtime_ns
    unpack_videos(folder, tell=print)
    assert tar.stat().st_mtime_ns == made
    tar.write_bytes(whole[: len(whole) // 2])  # as after a copy that broke off
    unpack_videos(folder, tell=print)
    assert tar.read_bytes() == whole
    assert sorted(path.name for path in tar.parent.iterdir()) == [".lock", tar.name]
    with pytest.raises(InputError, match="no Parquet file here"):
        unpack_videos(far, tell=print)


def test_verify_writes_the_list_that_eval_reads(capfd: pytest.CaptureFixture[str], small: Path) -> None:
    clip, verify = small / "videos" / "clip-2.mp4", ("benchmarks", "verify", str(small))
    whole = clip.read_bytes()
    clip.write_bytes(whole[: len(whole) // 2])
    code, out, err = mmret(capfd, *verify)
    assert code == 1
    assert "DEFECT unusable documents" in out
    assert f"written: {small}/exclusions.json" in err
    code, out, err = mmret(capfd, "eval", "--bench", str(small), "--model", "random", "--json")
    assert code == 0, err
    assert [one["id"] for one in json.loads(out)["excluded"]["documents"]] == ["clip-2"]
    clip.write_bytes(whole)
    code, out, _ = mmret(capfd, *verify, "--json")
    assert code == 0
    assert json.loads(out)["media"]["readable"] == 6
    assert not (small / "exclusions.json").exists()


def test_published_results_are_marked_as_such(capfd: pytest.CaptureFixture[str]) -> None:
    code, out, _ = mmret(capfd, "benchmarks", "show", "omnicvr", "--published")
    assert code == 0
    assert out.count("PUBLISHED, not measured by mmret") == 8
    for words in ("AudioVLM2Vec", "66.98", "77.2", "not stated", "not checked against its PDF"):
        assert words in out
    tables = json.loads(mmret(capfd, "benchmarks", "show", "omnicvr", "--published", "--json")[1])
    for table in tables:  # a share of whole queries, wherever it claims to be one
        for row in table["rows"]:
            assert 0 <= row["R@1"] <= 100
            assert row["R@1"] <= row.get("R@10", 100)


def test_both_source_policies_and_the_blind_stand_side_by_side(
    capfd: pytest.CaptureFixture[str], small: Path, tmp_path: Path
) -> None:
    about = json.loads((small / "benchmark.json").read_text()) | {"sound_slices": ["even"]}
    (small / "benchmark.json").write_text(json.dumps(about))
    arguments = ("eval", "--bench", str(small), "--model", "text", "--with-blind", "--cost-items", "0")
    code, out, err = mmret(capfd, *arguments, "-o", str(tmp_path / "out"))
    assert code == 0, err
    for words in (
        "the query's own source among the candidates",
        "R@1 with it",
        "R@1 without",
        "target above it",
        "what could be had blind",
        "instruction only",
        "source only",
        "ahead",
    ):
        assert words in out
    assert "text hears nothing of a query, and 3 of 6 queries (even)" in err
    blind = json.loads((tmp_path / "out" / "result.json").read_text())["blind"]
    assert "refused" in blind["variants"]["source only"]  # a model of text alone has nothing left to read
    own = json.loads((tmp_path / "out" / "result.json").read_text())["scores"]
    assert blind["variants"]["instruction only"]["scores"] == own
    gain = blind["gain"]["gallery"]["all"]["R@1"]
    assert (gain["value"], gain["low"], gain["high"]) == (0.0, 0.0, 0.0)
