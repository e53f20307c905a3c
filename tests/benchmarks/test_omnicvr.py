"""The public layouts, with generated labels and small real clips: the data themselves cannot be had here."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mmret.benchmarks import Benchmark, load_benchmark
from mmret.benchmarks.omnicvr import unpack_videos
from mmret.errors import InputError
from mmret.evaluation import Settings, evaluate

from ..conftest import write_clip
from .omnicvr_files import TYPES, Labels, free_atom, make_labels, write_original, write_reupload, write_tars


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    folder = tmp_path_factory.mktemp("clips")
    made = [
        write_clip(folder / f"{i}.mp4", tone=150.0 * (i + 1), shade=40 * i, seconds=1.0, frames=8) for i in range(5)
    ]
    return [path.read_bytes() for path in made]


@pytest.fixture(scope="module")
def labels() -> Labels:
    return make_labels(queries=10, documents=30, gallery=12)


@pytest.fixture
def original(tmp_path: Path, labels: Labels, clips: list[bytes]) -> Path:
    write_original(tmp_path / "original", labels)
    write_tars(tmp_path / "original", labels.documents, clips)
    return tmp_path / "original"


@pytest.fixture
def reupload(tmp_path: Path, labels: Labels, clips: list[bytes]) -> Path:
    write_reupload(tmp_path / "reupload", labels)
    write_tars(tmp_path / "reupload", labels.documents, clips)
    return tmp_path / "reupload"


def load(folder: Path) -> Benchmark:
    return load_benchmark("omnicvr", folder)


def test_both_layouts_are_one_benchmark(original: Path, reupload: Path, labels: Labels) -> None:
    one, other = load(original), load(reupload)
    assert one.digest == other.digest
    assert one.media_digest == other.media_digest
    assert len(one.documents) == 30  # two are named by no query, and are part of the corpus all the same
    for i, query in enumerate(other.queries):
        place = next(j for j, text in enumerate(labels.text) if text == query.text)
        assert other.galleries is not None
        assert other.source is not None
        assert {other.documents[p].id for p in other.galleries[i]} == set(labels.galleries[place])
        assert other.documents[other.source[i]].id == labels.source[place]
        assert [other.documents[p].id for p in other.positives[i]] == [labels.target[place]]
        assert query.video == query.audio == other.documents[other.source[i]].video


def test_types_come_from_a_field_and_never_from_the_place_of_a_row(
    original: Path, reupload: Path, labels: Labels
) -> None:
    assert {name: len(rows) for name, rows in load(original).slices.items()} == {"unknown": 10}
    benchmark = load(reupload)
    assert set(benchmark.slices) == set(TYPES)
    for kind, rows in benchmark.slices.items():
        assert {benchmark.queries[i].text for i in rows} == {
            text for text, of in zip(labels.text, labels.kind, strict=True) if of == kind
        }


def test_labels_of_the_reupload_go_with_clips_of_the_original(original: Path, labels: Labels) -> None:
    write_reupload(original, labels)
    assert set(load(original).slices) == set(TYPES)


def test_clips_are_read_out_of_the_tars_or_unpacked(original: Path, labels: Labels, clips: list[bytes]) -> None:
    benchmark = load(original)
    for item in benchmark.documents:
        number = int(item.id.removeprefix("omnicvr_video").removesuffix(".mp4"))
        assert item.video is not None
        assert item.video.path.suffix == ".tar"
        assert item.video.suffix == ".mp4"
        with item.video.open() as file:
            assert file.read() == clips[number % len(clips)] + free_atom(item.id)
    unpacked = original / "videos" / labels.documents[3]
    unpacked.write_bytes(clips[0])
    assert next(item for item in load(original).documents if item.id == labels.documents[3]).media[0].path == unpacked


def test_a_changed_tar_is_indexed_anew(original: Path, labels: Labels, clips: list[bytes]) -> None:
    before = load(original)
    write_tars(original, labels.documents[::-1], clips, tars=3)
    after = load(original)
    assert [item.video for item in before.documents] != [item.video for item in after.documents]
    for item in after.documents:
        assert item.video is not None
        with item.video.open() as file:
            assert file.read().endswith(free_atom(item.id))


@pytest.mark.parametrize("model", ["random", "tagbridge"])
def test_both_layouts_give_the_same_scores(original: Path, reupload: Path, model: str) -> None:
    settings = Settings(limit=4, protocols=("gallery", "gallery-no-source"), frames=2)
    one, other = (evaluate("omnicvr", model, settings, data=folder) for folder in (original, reupload))
    for protocol in settings.protocols or ():
        a, b = (result.record["scores"][protocol]["all"] for result in (one, other))
        if model == "random":  # the sample of four is drawn by type, which only one of the layouts tells
            assert a["n"] == b["n"] == 4
    whole = replace(settings, limit=None)
    one, other = (evaluate("omnicvr", model, whole, data=folder) for folder in (original, reupload))
    for protocol in whole.protocols or ():
        assert one.record["scores"][protocol]["all"] == other.record["scores"][protocol]["all"]
    columns = [column for column in one.per_query if column != "cluster"]
    assert one.per_query[columns].equals(other.per_query[columns])


def edit(key: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(row: dict[str, Any]) -> None:
        row[key] = value

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (edit("source_id", ""), r"omnicvr\.jsonl:3: 'source_id' must be a text"),
        (edit("instruction", None), r"omnicvr\.jsonl:3: 'instruction' must be a text"),
        (edit("candidates", "clip"), r"omnicvr\.jsonl:3: 'candidates' must be a list"),
        (edit("candidates", [1, 2]), r"omnicvr\.jsonl:3: 'candidates' must be a list"),
        (edit("target_id", "omnicvr_video99.mp4"), "with a right document outside the gallery: q-"),
        (lambda row: row["candidates"].append(row["candidates"][0]), "with a document twice in the gallery: q-"),
        (lambda row: row.update(target_id=row["source_id"]), "whose source is also a right document: q-"),
    ],
)
def test_faults_of_the_original_are_named(original: Path, change: Callable[[dict[str, Any]], None], words: str) -> None:
    rows = [json.loads(line) for line in (original / "omnicvr.jsonl").read_text().splitlines()]
    change(rows[2])
    (original / "omnicvr.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(InputError, match=words):
        load(original)


def test_a_row_that_is_no_json_and_a_query_given_twice_are_named(original: Path) -> None:
    path = original / "omnicvr.jsonl"
    text = path.read_text()
    path.write_text(text + text.splitlines()[4] + "\n")
    with pytest.raises(InputError, match=r"query ids given twice: q-[0-9a-f]{16}; list all faults .* verify omnicvr"):
        load(original)
    path.write_text(text + "{")
    with pytest.raises(InputError, match=r"omnicvr\.jsonl:11: not JSON"):
        load(original)


def rewrite(folder: Path, config: str, change: Callable[[dict[str, list[Any]]], object]) -> None:
    path = next((folder / config).glob("*.parquet"))
    table = pq.read_table(path).to_pydict()
    change(table)
    pq.write_table(pa.table(table), path)


@pytest.mark.parametrize(
    ("config", "change", "words"),
    [
        ("qrels", lambda t: t["corpus-id"].__setitem__(2, "gone.mp4"), "q-[0-9a-f]+: target 'gone.mp4' is no document"),
        ("queries", lambda t: t["source_id"].__setitem__(2, "gone.mp4"), "source 'gone.mp4' is no document"),
        ("top_ranked", lambda t: t["corpus-ids"][2].append("gone.mp4"), "candidate 'gone.mp4' is no document"),
        ("top_ranked", lambda t: [column.pop(2) for column in t.values()], "queries without a gallery: q-"),
        ("qrels", lambda t: [column.pop(2) for column in t.values()], "queries without a right document: q-"),
        ("qrels", lambda t: t["query-id"].__setitem__(2, "nobody"), "1 rows are of no query, first nobody"),
        ("corpus", lambda t: t["id"].append("omnicvr_video0.mp4"), "document ids given twice: omnicvr_video0.mp4"),
        ("queries", lambda t: t.pop("text"), "no column text; it has category, id, source_id"),
        ("queries", lambda t: [column.clear() for column in t.values()], "queries: the files hold no rows"),
    ],
)
def test_faults_of_the_reupload_are_named(
    reupload: Path, config: str, change: Callable[[dict[str, list[Any]]], object], words: str
) -> None:
    rewrite(reupload, config, change)
    with pytest.raises(InputError, match=words):
        load(reupload)


def test_what_is_not_there_says_the_way_out(
    original: Path, reupload: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMRET_DATA", str(tmp_path / "data"))
    with pytest.raises(InputError, match="omnicvr is not here; fetch it: mmret benchmarks get omnicvr"):
        load_benchmark("omnicvr")
    with pytest.raises(InputError, match=r"neither omnicvr\.jsonl nor the folders corpus"):
        load(original / "videos")
    tar = original / "videos" / "omnivideos-1.tar"
    tar.write_bytes(tar.read_bytes()[: tar.stat().st_size // 2])
    with pytest.raises(InputError, match=r"omnivideos-1\.tar: not an uncompressed tar archive, or cut short"):
        load(original)
    next((reupload / "qrels").glob("*")).write_bytes(b"no parquet")
    with pytest.raises(InputError, match=r"test-00000-of-00001\.parquet: not a Parquet file"):
        load(reupload)


def test_a_file_of_slices_adds_types(original: Path, labels: Labels, tmp_path: Path) -> None:
    path = tmp_path / "slices.csv"
    rows = [f"{s},{t},{k}" for s, t, k in zip(labels.source, labels.target, labels.kind, strict=True)]
    path.write_text("source,target,slice\n" + "\n".join([*rows, f"{rows[0].rsplit(',', 1)[0]},audio-center/music"]))
    benchmark = load_benchmark("omnicvr", original, slices=path)
    assert {name: len(rows) for name, rows in benchmark.slices.items()} == {
        "audio-center": 2,
        "audio-center/music": 1,
        "integrated": 4,
        "visual-center": 4,
    }
    path.write_text(f"query,slice\n{benchmark.queries[4].id},night\n")
    some = load_benchmark("omnicvr", original, slices=path)
    assert {name: rows.tolist() for name, rows in some.slices.items()} == {
        "night": [4],
        "unknown": [0, 1, 2, 3, 5, 6, 7, 8, 9],
    }
    path.write_text("query,slice\nq-none,night\n")
    with pytest.raises(InputError, match=r"rows that fit no query: \('q-none',\)"):
        load_benchmark("omnicvr", original, slices=path)
    path.write_text("name,slice\nq,night\n")
    with pytest.raises(InputError, match="no column source, target; it has name, slice"):
        load_benchmark("omnicvr", original, slices=path)


def test_the_small_public_sets_have_the_same_layout(reupload: Path) -> None:
    assert load_benchmark("omnicvr-500-hard", reupload).digest == load(reupload).digest


def test_all_galleries_of_audio_center_are_one_set(reupload: Path) -> None:
    benchmark = load(reupload)
    assert benchmark.galleries is not None
    kinds = benchmark.galleries.kinds()
    assert len(np.unique(kinds[benchmark.slices["audio-center"]])) == 1
    assert len(np.unique(kinds)) == 9


def test_a_gallery_of_nobody_blames_no_query(reupload: Path) -> None:
    before = load(reupload).digest
    rewrite(reupload, "top_ranked", lambda t: (t["query-id"].append("nobody"), t["corpus-ids"].append(["gone.mp4"])))
    assert load(reupload).digest == before


def test_a_tar_may_be_unpacked_into_a_folder_of_its_name(original: Path) -> None:
    before = load(original).digest
    tar = original / "videos" / "omnivideos-1.tar"
    tar.rename(tar.with_suffix(".packed"))
    with tarfile.open(tar.with_suffix(".packed")) as archive:
        archive.extractall(tar, filter="data")
    tar.with_suffix(".packed").unlink()
    after = load(original)
    assert after.digest == before
    assert all(item.media[0].path.exists() for item in after.documents)


def test_slices_may_be_called_anything_but_nothing(original: Path, tmp_path: Path) -> None:
    first, second = load(original).queries[:2]
    rows = {"query": [first.id, second.id], "slice": ["NA", "null"]}
    path = tmp_path / "slices.csv"
    path.write_text(f"query,slice\n{first.id},NA\n{second.id},null\n")
    assert set(load_benchmark("omnicvr", original, slices=path).slices) == {"NA", "null", "unknown"}
    pq.write_table(pa.table(rows), tmp_path / "slices.parquet")
    assert "NA" in load_benchmark("omnicvr", original, slices=tmp_path / "slices.parquet").slices
    pq.write_table(pa.table({"query": [1], "slice": ["a"]}), tmp_path / "slices.parquet")
    with pytest.raises(InputError, match=r"rows that fit no query: \('1',\)"):
        load_benchmark("omnicvr", original, slices=tmp_path / "slices.parquet")
    path.write_text(f"query,slice\n{first.id},a\n{second.id},\n")
    with pytest.raises(InputError, match=r"slices\.csv: rows without a slice: 2"):
        load_benchmark("omnicvr", original, slices=path)


def test_videos_in_a_damaged_file_are_no_traceback(reupload: Path) -> None:
    for tar in (reupload / "videos").iterdir():
        tar.unlink()
    next((reupload / "corpus").glob("*.parquet")).write_bytes(b"no parquet")
    with pytest.raises(InputError, match="not a Parquet file"):
        load(reupload)
    pq.write_table(pa.table({"name": ["a"], "video": [b"b"]}), next((reupload / "corpus").glob("*.parquet")))
    with pytest.raises(InputError, match="no column id; it has name, video"):
        unpack_videos(reupload, tell=print)
